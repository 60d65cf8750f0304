//! Tokens of one step that want different logits.

use super::ids;
use crate::api::*;
use crate::support::{cpu, tokens, with_model};

/// Two sequences, of which one wants the logits of all its tokens and the other some largest ones and those of some
/// tokens, with and without a shortlist.
#[test]
fn each_token_gets_what_it_asks_for_and_the_bits_that_it_gets_alone() {
    let file = trine::embedded_model().expect("a model");
    for shortlist in [false, true] {
        let shortlist = shortlist.then_some(MakeShortlist { progress: None });
        let options = LoadOptions { shortlist, ..LoadOptions::default() };
        with_model(&file, &options, |transformer| {
            let pool = StatePool::for_sequences(transformer, 4, 256, CacheType::F32).expect("memory");
            let [long, short] = [ids(1, 150), ids(2, 3)].map(|ids| tokens(transformer.model, &ids));
            let logits = |tokens: &[_]| {
                let dense =
                    pool.state(256).step(tokens, |step| transformer.logits(&cpu(), step).into_rows().into_data());
                dense.expect("they fit").into_vec()
            };
            let expected: Vec<Vec<f32>> =
                [&long, &short].into_iter().flat_map(|t| logits(t)).map(|row| row.into_data().into_vec()).collect();
            let largest = |count: usize| LogitsRequest::Largest(count.try_into().expect("more than none"));
            let mut wanted: Vec<(u32, LogitsRequest)> = (0..150).map(|row| (row, LogitsRequest::All)).collect();
            wanted.extend([(152, largest(7)), (151, largest(1)), (10, largest(3))]);
            let vocabulary = expected[0].len() as u32;
            let sets = [vec![vocabulary - 1, 7, 0, 7], vec![260], Vec::new(), vec![3, vocabulary, u32::MAX]];
            wanted
                .extend((0..).zip(sets).map(|(row, ids)| (149 + row, LogitsRequest::Among(ids.into_iter().collect()))));
            let mut seen = vec![None; wanted.len()];
            let (mut one, mut other) = (pool.state(256), pool.state(256));
            let taken = State::step_together(vec![(&mut one, &long[..]), (&mut other, &short[..])], |step| {
                let rows =
                    wanted.iter().map(|(row, request)| (Idx::new(step.axis(), *row).expect("a row"), request.clone()));
                let rows: Vec<_> = rows.collect();
                transformer.wanted_logits(&cpu(), step, &rows, &mut |at, logits| {
                    assert!(seen[at].replace(logits).is_none(), "each once");
                });
            });
            taken.expect("they fit");
            assert_eq!((one.len(), other.len()), (150, 3));
            for ((row, request), logits) in wanted.into_iter().zip(seen) {
                let (logits, expected) = (logits.expect("they are wanted"), &expected[row as usize]);
                match request {
                    LogitsRequest::Largest(count) => {
                        let mut order = expected.clone();
                        order.sort_by(|a, b| b.total_cmp(a));
                        let smallest = order[count.get() - 1];
                        let of_row = (0_u32..).zip(expected.iter().copied());
                        let largest: Vec<_> = of_row.filter(|(_, logit)| *logit >= smallest).collect();
                        assert_eq!(logits.by_id().collect::<Vec<_>>(), largest);
                    }
                    LogitsRequest::Among(ids) => {
                        let of_id = |&id: &u32| Some((id, *expected.get(id as usize)?));
                        let among: Vec<_> = ids.ids().iter().filter_map(of_id).collect();
                        assert_eq!(logits.by_id().collect::<Vec<_>>(), among);
                    }
                    _ => assert_eq!(logits.as_dense(), Some(&expected[..])),
                }
            }
        });
    }
}

/// A step that wants nothing is a step nevertheless.
#[test]
fn a_part_that_is_not_the_last_one_wants_nothing() {
    let file = trine::embedded_model().expect("a model");
    with_model(&file, &LoadOptions::default(), |transformer| {
        let pool = StatePool::for_sequences(transformer, 2, 256, CacheType::F32).expect("memory");
        let all = tokens(transformer.model, &ids(1, 20));
        let mut state = pool.state(256);
        state.reserve(256).expect("a page");
        assert_eq!(pool.free_pages(), 1);
        let none = |step: StepInput<'_, _, Ragged<'_>>| {
            transformer.wanted_logits(&cpu(), step, &[], &mut |_, _| panic!("nothing is wanted"));
        };
        state.step(&all[..19], none).expect("they fit");
        let next = |state: &mut State<_>, tokens: &[_]| {
            let logits = state.step(tokens, |step| transformer.next_logits(&cpu(), step).into_data().into_vec());
            logits.expect("they fit")
        };
        assert_eq!(next(&mut state, &all[19..]), next(&mut pool.state(256), &all));
        assert!(state.reserve(1000).is_err());
        assert_eq!((state.len(), pool.free_pages()), (20, 1));
        state.rewind(0);
        assert_eq!(pool.free_pages(), 2);
    });
}
