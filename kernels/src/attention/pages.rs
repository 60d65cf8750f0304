//! Pages of a cache, for programs that keep axes of their own: a pool with a ceiling, and the pages of one sequence.
//!
//! A page holds the keys and values of [`PAGE`] positions in all layers. Sequences with a common beginning share its
//! pages; one that writes to a shared page gets a copy of it first. All that a step needs is taken before it begins.
//!
//! What belongs here: ownership of pages, and attention over them. What does not: where in a page what lies
//! (`attention/page.rs`), and axes (the crate `trine-ops`).

mod attention;

pub use attention::attention_over_pages;

use crate::attention::page::{CacheType, PAGE, PageLayout};
use crate::machine::huge_pages::{HugePages, memory_has};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use trine_memory::{MAX_ELEMENTS, product_within};

/// A cache that memory does not hold, or whose pages are all in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheFull {
    /// So many pages are more than memory holds.
    #[error("a cache of {positions} positions does not fit in memory; ask for fewer positions")]
    Memory {
        /// Positions of all pages together.
        positions: usize,
    },
    /// The pool has fewer pages left than a step needs.
    #[error(
        "{needed} more pages of {PAGE} positions are needed and {free} of the pool's {pages} are free; end a sequence, \
         or make the pool larger"
    )]
    Pages {
        /// Pages that the step needs besides those that its sequences have.
        needed: usize,
        /// Pages that no sequence has.
        free: usize,
        /// Pages of the pool.
        pages: usize,
    },
}

/// How many pages there may be, how many there are, and how they are laid out.
#[derive(Debug)]
pub struct PagePool {
    layout: PageLayout,
    pages: usize,
    used: AtomicUsize,
}

impl PagePool {
    /// A pool of up to `pages` pages, each with the keys and values of `heads` heads of `head_dim` elements in each of
    /// `layers` layers. Memory comes into use with them.
    ///
    /// # Errors
    /// [`CacheFull`] where the system does not give so much memory.
    pub fn new(
        kind: CacheType,
        layers: usize,
        heads: usize,
        head_dim: usize,
        pages: usize,
    ) -> Result<Arc<Self>, CacheFull> {
        let full = || CacheFull::Memory { positions: pages.saturating_mul(PAGE) };
        let layout = PageLayout::new(kind, layers, heads, head_dim).ok_or_else(full)?;
        // What the system does not give at once it is unlikely to give page by page.
        let bytes = product_within(&[layout.numbers(), pages, size_of::<f32>()], MAX_ELEMENTS).ok_or_else(full)?;
        if !memory_has(bytes) {
            return Err(full());
        }
        Ok(Arc::new(PagePool { layout, pages, used: AtomicUsize::new(0) }))
    }

    pub(crate) fn layout(&self) -> &PageLayout {
        &self.layout
    }

    /// Bytes of a page.
    pub fn bytes_per_page(&self) -> usize {
        self.layout.numbers() * size_of::<f32>()
    }

    /// The type of the elements.
    pub fn kind(&self) -> CacheType {
        self.layout.kind()
    }

    /// Pages there may be.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Pages that can be taken.
    pub fn free(&self) -> usize {
        self.pages - self.used.load(Ordering::Relaxed)
    }

    /// Takes `count` pages, or none.
    ///
    /// # Errors
    /// [`CacheFull`] where fewer are free, or the system does not give the memory.
    pub fn take(self: &Arc<Self>, count: usize) -> Result<Vec<Page>, CacheFull> {
        let within = |used: usize| used.checked_add(count).filter(|&used| used <= self.pages);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        if let Err(used) = taken {
            return Err(CacheFull::Pages { needed: count, free: self.pages - used, pages: self.pages });
        }
        // From here on each page gives its place back when it is dropped.
        let pages: Vec<Page> = (0..count).map(|_| Page { numbers: None, pool: self.clone() }).collect();
        let with_memory = pages.into_iter().map(|mut page| {
            page.numbers = Some(HugePages::zeros(self.layout.numbers())?);
            Some(page)
        });
        let positions = self.pages.saturating_mul(PAGE);
        with_memory.collect::<Option<_>>().ok_or(CacheFull::Memory { positions })
    }
}

/// A page of a pool, which it goes back to.
#[derive(Debug)]
pub struct Page {
    /// `None` only while the page is taken.
    numbers: Option<HugePages<f32>>,
    pool: Arc<PagePool>,
}

impl Page {
    fn numbers(&self) -> &[f32] {
        self.numbers.as_deref().unwrap_or(&[])
    }

    fn numbers_mut(&mut self) -> &mut [f32] {
        self.numbers.as_deref_mut().unwrap_or(&mut [])
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.numbers = None;
        self.pool.used.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The pages of one sequence.
#[derive(Debug)]
pub struct Pages {
    pool: Arc<PagePool>,
    pages: Vec<Arc<Page>>,
}

impl Pages {
    /// No pages of `pool` yet.
    pub fn new(pool: &Arc<PagePool>) -> Self {
        Pages { pool: pool.clone(), pages: Vec::new() }
    }

    /// The pool.
    pub fn pool(&self) -> &Arc<PagePool> {
        &self.pool
    }

    /// The same positions in the same pages.
    pub fn share(&self) -> Self {
        Pages { pool: self.pool.clone(), pages: self.pages.clone() }
    }

    /// Forgets all pages behind the first `positions` positions.
    pub fn truncate(&mut self, positions: usize) {
        self.pages.truncate(positions.div_ceil(PAGE));
    }

    /// The pages that `tokens` positions behind `past` lie in.
    fn touched(past: usize, tokens: usize) -> core::ops::Range<usize> {
        if tokens == 0 { 0..0 } else { past / PAGE..past.saturating_add(tokens).div_ceil(PAGE) }
    }

    /// Whether writing to page `index` needs another page: there is none, or others have it too.
    fn is_missing(&mut self, index: usize) -> bool {
        self.pages.get_mut(index).is_none_or(|page| Arc::get_mut(page).is_none())
    }

    /// Pages to take before `tokens` positions behind `past` can be written.
    pub fn missing(&mut self, past: usize, tokens: usize) -> usize {
        let touched = Self::touched(past, tokens);
        // However many there are to be: those that exist are few.
        let there = touched.start..touched.end.min(self.pages.len()).max(touched.start);
        let absent = touched.end - there.end;
        absent + there.filter(|&index| self.is_missing(index)).count()
    }

    /// Puts as many pages from `fresh` as are [`missing`](Pages::missing) into their places; one that takes the place
    /// of a shared page gets a copy of what is in it.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn fill(&mut self, past: usize, tokens: usize, fresh: &mut impl Iterator<Item = Page>) {
        for index in Self::touched(past, tokens) {
            if !self.is_missing(index) {
                continue;
            }
            let mut page = fresh.next().expect("as many pages as are missing");
            match self.pages.get_mut(index) {
                Some(shared) => {
                    page.numbers_mut().copy_from_slice(shared.numbers());
                    *shared = Arc::new(page);
                }
                None => self.pages.push(Arc::new(page)),
            }
        }
    }

    /// Writes `keys` and `values`, `[position][head][head_dim]`, of a layer behind `past` positions, into pages that
    /// [`fill`](Pages::fill) has provided.
    ///
    /// # Panics
    /// If it has not.
    pub fn write(&mut self, layer: usize, past: usize, keys: &[f32], values: &[f32], width: usize) {
        let (mut position, mut keys, mut values) = (past, keys, values);
        while !keys.is_empty() {
            let first = position % PAGE;
            let count = (PAGE - first).min(keys.len() / width);
            let (now_keys, later_keys) = keys.split_at(count * width);
            let (now_values, later_values) = values.split_at(count * width);
            let page = Arc::get_mut(&mut self.pages[position / PAGE]).expect("a page that the step provided");
            self.pool.layout.write(page.numbers_mut(), layer, first, now_keys, now_values);
            (position, keys, values) = (position + count, later_keys, later_values);
        }
    }

    /// The first `positions` positions as bytes, page by page; behind them the last page has zeros. Numbers are
    /// little-endian, so that the bytes are the same on every machine.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn to_bytes(&self, positions: usize) -> Vec<u8> {
        let whole = positions / PAGE;
        let mut bytes = Vec::with_capacity(positions.div_ceil(PAGE) * self.pool.bytes_per_page());
        let mut append =
            |numbers: &[f32]| bytes.extend(numbers.iter().flat_map(|number| number.to_bits().to_le_bytes()));
        self.pages[..whole].iter().for_each(|page| append(page.numbers()));
        if positions > whole * PAGE {
            let mut last = self.pages[whole].numbers().to_vec();
            self.pool.layout.clear(&mut last, positions - whole * PAGE);
            append(&last);
        }
        bytes
    }

    /// Pages of `pool` with what [`to_bytes`](Pages::to_bytes) made of as many of a pool of the same kind and lengths.
    ///
    /// # Errors
    /// [`CacheFull`] where the pool has not so many pages left.
    ///
    /// # Panics
    /// If the bytes are not those of whole pages.
    pub fn from_bytes(pool: &Arc<PagePool>, bytes: &[u8]) -> Result<Pages, CacheFull> {
        let of_page = pool.bytes_per_page().max(1);
        assert_eq!(bytes.len() % of_page, 0, "bytes of whole pages");
        let mut pages = pool.take(bytes.len() / of_page)?;
        for (page, bytes) in pages.iter_mut().zip(bytes.chunks_exact(of_page)) {
            for (number, bytes) in page.numbers_mut().iter_mut().zip(bytes.chunks_exact(4)) {
                *number = f32::from_bits(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
            }
        }
        Ok(Pages { pool: pool.clone(), pages: pages.into_iter().map(Arc::new).collect() })
    }

    /// The numbers of a page.
    #[inline]
    pub(crate) fn page(&self, index: usize) -> &[f32] {
        self.pages[index].numbers()
    }
}

#[cfg(test)]
mod tests;
