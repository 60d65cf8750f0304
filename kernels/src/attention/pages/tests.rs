//! Pages are counted, shared, and copied before one of two sequences goes on.

use super::*;

/// Two layers of three heads of twenty elements.
fn pool(kind: CacheType, pages: usize) -> Arc<PagePool> {
    PagePool::new(kind, 2, 3, 20, pages).unwrap()
}

fn rows(seed: usize, positions: usize) -> Vec<f32> {
    (0..positions * 60).map(|i| ((i * 7919 + seed * 104_729) % 4001) as f32 / 1000.0 - 2.0).collect()
}

/// Goes on with `tokens` positions behind `past` in both layers.
fn write(pages: &mut Pages, seed: usize, past: usize, tokens: usize) {
    let missing = pages.missing(past, tokens);
    let mut fresh = pages.pool().clone().take(missing).unwrap().into_iter();
    pages.fill(past, tokens, &mut fresh);
    assert_eq!((fresh.next().is_none(), pages.missing(past, tokens)), (true, 0));
    for layer in [0, 1] {
        pages.write(layer, past, &rows(seed + layer, tokens), &rows(seed + layer + 7, tokens), 60);
    }
}

fn bits(pages: &Pages) -> Vec<Vec<u32>> {
    (0..pages.pages.len()).map(|page| pages.page(page).iter().map(|number| number.to_bits()).collect()).collect()
}

#[test]
fn a_pool_has_a_ceiling_and_pages_go_back_to_it() {
    let pool = pool(CacheType::F16, 3);
    let mut one = Pages::new(&pool);
    write(&mut one, 1, 0, PAGE + 1);
    assert_eq!((pool.free(), pool.pages()), (1, 3));
    let error = pool.take(2).unwrap_err();
    assert_eq!(error, CacheFull::Pages { needed: 2, free: 1, pages: 3 });
    assert_eq!(pool.free(), 1, "a step that does not fit takes nothing");
    one.truncate(PAGE);
    assert_eq!(pool.free(), 2);
    drop(one);
    assert_eq!(pool.free(), 3);
}

#[test]
fn sequences_share_pages_until_one_goes_on() {
    for kind in [CacheType::F32, CacheType::F16, CacheType::Q8] {
        let pool = pool(kind, 8);
        let mut one = Pages::new(&pool);
        write(&mut one, 1, 0, PAGE + 30);
        let before = bits(&one);
        let mut other = one.share();
        assert_eq!((pool.free(), bits(&other)), (6, before.clone()));
        // A full page stays shared, and what was in the copied one stays as it was, scales included.
        write(&mut other, 5, PAGE + 30, 4);
        assert_eq!((pool.free(), bits(&one)), (5, before.clone()));
        let alone = {
            let mut alone = Pages::new(&pool);
            write(&mut alone, 1, 0, PAGE + 30);
            write(&mut alone, 5, PAGE + 30, 4);
            bits(&alone)
        };
        assert_eq!(bits(&other), alone);
        drop(other);
        assert_eq!((pool.free(), one.missing(PAGE + 30, 1)), (6, 0), "the last one with a page writes to it");
    }
}

#[test]
fn pages_fill_up_however_positions_arrive() {
    let pool = pool(CacheType::Q8, 8);
    let (mut at_once, mut one_by_one) = (Pages::new(&pool), Pages::new(&pool));
    let (keys, values) = (rows(3, PAGE + 9), rows(4, PAGE + 9));
    for (pages, parts) in [(&mut at_once, &[PAGE + 9][..]), (&mut one_by_one, &[1, 200, 55, 1, 8])] {
        let mut past = 0;
        for &tokens in parts {
            let missing = pages.missing(past, tokens);
            pages.fill(past, tokens, &mut pool.take(missing).unwrap().into_iter());
            let part = past * 60..(past + tokens) * 60;
            pages.write(1, past, &keys[part.clone()], &values[part], 60);
            past += tokens;
        }
    }
    assert_eq!(bits(&at_once), bits(&one_by_one));
}

#[test]
fn what_no_memory_holds_is_refused() {
    for (layers, pages) in [(usize::MAX, 1), (2, usize::MAX / 8)] {
        let pool = PagePool::new(CacheType::F32, layers, 3, 20, pages);
        assert!(matches!(pool, Err(CacheFull::Memory { .. })));
    }
}

#[test]
fn saved_pages_have_the_bits_of_their_positions_and_nothing_behind_them() {
    for kind in [CacheType::F32, CacheType::F16, CacheType::Q8] {
        for positions in [0, 1, 255, 256, 257, 300] {
            let pool = pool(kind, 6);
            let mut first = Pages::new(&pool);
            let mut longer = Pages::new(&pool);
            write(&mut first, 3, 0, positions);
            write(&mut longer, 3, 0, positions);
            // What was written behind the positions and forgotten again is not in the bytes.
            if positions > 0 {
                write(&mut longer, 9, positions, 7);
            }
            let saved = first.to_bytes(positions);
            assert_eq!(saved.len(), positions.div_ceil(PAGE) * pool.bytes_per_page());
            assert_eq!(saved, longer.to_bytes(positions), "{kind}, {positions}");
            drop((first, longer));
            let again = Pages::from_bytes(&pool, &saved).unwrap();
            assert_eq!(again.to_bytes(positions), saved);
            assert_eq!(pool.free(), 6 - positions.div_ceil(PAGE));
            assert!(Pages::from_bytes(&pool, &saved.repeat(7)).is_err() || positions == 0);
        }
    }
}
