//! Who has got how much. What belongs here: equal shares of work among keys. What does not: what the work is.

use std::collections::BTreeMap;

/// What each active key has got. The next turn is of the one that has got least.
///
/// A key begins with as much as the least of the others: who was away has nothing to catch up, and nobody waits for who
/// comes. That is deficit round robin without a quantum: the deficit is what others have got more.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    got: BTreeMap<String, u64>,
}

impl Shares {
    /// A key becomes active, or stays so.
    pub fn enter(&mut self, key: &str) {
        if !self.got.contains_key(key) {
            let least = self.got.values().copied().min().unwrap_or(0);
            self.got.insert(key.to_owned(), least);
        }
    }

    /// A key has nothing to do any more.
    pub fn leave(&mut self, key: &str) {
        self.got.remove(key);
    }

    /// An active key gets something.
    pub fn charge(&mut self, key: &str, work: usize) {
        if let Some(got) = self.got.get_mut(key) {
            *got = got.saturating_add(work as u64);
        }
    }

    /// An active key did not use what it got.
    pub fn refund(&mut self, key: &str, work: usize) {
        if let Some(got) = self.got.get_mut(key) {
            *got = got.saturating_sub(work as u64);
        }
    }

    /// What a key has got.
    pub fn of(&self, key: &str) -> u64 {
        self.got.get(key).copied().unwrap_or(0)
    }

    /// Number of active keys.
    pub fn len(&self) -> usize {
        self.got.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_late_has_nothing_to_catch_up() {
        let mut shares = Shares::default();
        shares.enter("a");
        shares.charge("a", 100);
        shares.enter("b");
        assert_eq!((shares.of("a"), shares.of("b"), shares.len()), (100, 100, 2));
        shares.charge("b", 30);
        shares.refund("a", 60);
        shares.enter("a");
        assert_eq!((shares.of("a"), shares.of("b")), (40, 130));
        shares.leave("a");
        shares.charge("a", 5);
        assert_eq!((shares.of("a"), shares.len()), (0, 1));
    }
}
