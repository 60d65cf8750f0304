//! Where pages are, and what is computed once.

use super::*;

/// Runs requests one after the other, and says what of each prompt was cached.
fn cached(scheduler: &mut Scheduler, requests: Vec<GenerationRequest>) -> Vec<usize> {
    let mut heard = Heard::default();
    let one = |request| {
        let id = scheduler.submit(request).unwrap_or_else(|error| panic!("{error}"));
        heard.finish(scheduler);
        check_pages(scheduler);
        heard.usage[&id].cached_tokens
    };
    requests.into_iter().map(one).collect()
}

#[test]
fn a_known_beginning_is_not_computed_again() {
    let engine = engine(2, 40);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let text = ids(1, 600);
    let with = |count: usize, own: u64| [&text[..count], &ids(own, 9)].concat();
    let requests =
        [with(600, 50), with(600, 51), with(300, 52), text[..512].to_vec(), text[..256].to_vec(), text.clone()];
    let requests = requests.iter().map(|ids| request(&engine, ids, 3)).collect();
    // To the token, but for the last one of a prompt.
    assert_eq!(cached(&mut scheduler, requests), [0, 600, 300, 511, 255, 599]);
    let mut salted = request(&engine, &text, 1);
    salted.cache_salt = Some("other".to_owned());
    // Log-probabilities of a prompt are known where they were asked for, with as many of the best.
    let scored = |ids: &[u32], best| GenerationRequest { prompt_logprobs: Some(best), ..request(&engine, ids, 1) };
    let requests = vec![
        salted,
        scored(&text, 1),
        scored(&text, 0),
        scored(&text, 2),
        scored(&with(300, 52), 2),
        request(&engine, &text, 1),
    ];
    assert_eq!(cached(&mut scheduler, requests), [0, 0, 598, 0, 299, 599]);
    // The text that was generated is known too: a conversation goes on behind it.
    let mut heard = Heard::default();
    let id = scheduler.submit(request(&engine, &ids(77, 250), 20)).expect("a request");
    heard.finish(&mut scheduler);
    let mut next = ids(77, 250);
    next.extend(&heard.told[&id].tokens);
    next.extend(ids(78, 5));
    assert_eq!(cached(&mut scheduler, vec![request(&engine, &next, 1)]), [269]);
}

#[test]
fn who_comes_together_computes_a_beginning_once() {
    let engine = engine(2, 40);
    let text = ids(1, 700);
    let choices = |count: u64| -> Vec<GenerationRequest> {
        let with_seed = |seed| {
            let sampler = SamplerChain::new(SamplerOptions { seed, top_k: 0, ..SamplerOptions::default() });
            GenerationRequest { sampler: Box::new(sampler.expect("a sampler")), ..request(&engine, &text, 4) }
        };
        (0..count).map(with_seed).collect()
    };
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let requests = scheduler.submit_all(choices(5)).expect("requests");
    let mut heard = Heard::default();
    heard.finish(&mut scheduler);
    let mut cached: Vec<usize> = requests.iter().map(|id| heard.usage[id].cached_tokens).collect();
    cached.sort_unstable();
    assert_eq!(cached, [0, 699, 699, 699, 699]);
    let counters = scheduler.status().counters;
    assert_eq!((counters.prompt_tokens, counters.cached_tokens, counters.generated_tokens), (704, 4 * 699, 20));
    let texts: std::collections::BTreeSet<_> = requests.iter().map(|id| heard.told[id].tokens.clone()).collect();
    assert!(texts.len() > 1, "seeds make a difference");
    check_pages(&scheduler);
}

/// A salt divides what is shared, also among requests that run together.
#[test]
fn salts_share_nothing() {
    let engine = engine(2, 40);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let salted =
        |salt: &str| GenerationRequest { cache_salt: Some(salt.to_owned()), ..request(&engine, &ids(1, 300), 2) };
    let requests = ["a", "b", "a"].map(|salt| scheduler.submit(salted(salt)).expect("a request"));
    let mut heard = Heard::default();
    heard.finish(&mut scheduler);
    assert_eq!(requests.map(|id| heard.usage[&id].cached_tokens), [0, 0, 299]);
    assert_eq!(heard.told[&requests[0]].tokens, heard.told[&requests[1]].tokens);
    let pages = scheduler.status().pages;
    assert_eq!((pages.active, pages.cached), (0, 4), "a complete page and a tail for each salt");
}

/// The one that computes a beginning goes away: the next one goes on where it was.
#[test]
fn a_beginning_passes_to_the_next_one_that_has_it() {
    let engine = engine(2, 40);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let text = ids(1, 1000);
    let requests: Vec<RequestId> =
        (0..3).map(|_| scheduler.submit(request(&engine, &text, 2)).expect("a request")).collect();
    let (mut heard, mut events) = (Heard::default(), Vec::new());
    for _ in 0..2 {
        scheduler.step(&mut events);
    }
    assert_eq!((scheduler.status().running, scheduler.status().queued), (1, 2));
    assert!(scheduler.cancel(requests[0]) && !scheduler.cancel(requests[0]));
    heard.hear(&mut events);
    heard.finish(&mut scheduler);
    let cached: Vec<usize> = requests.iter().map(|id| heard.usage[id].cached_tokens).collect();
    assert_eq!(cached, [0, 512, 999]);
    assert_eq!(scheduler.status().counters.prompt_tokens, 1001);
    assert_eq!([&heard.told[&requests[0]].end, &heard.told[&requests[1]].end], ["Cancelled", "Finished(MaxTokens)"]);
}

/// Sequences that compute the same pages without knowing of each other keep one of them.
#[test]
fn equal_pages_are_there_once() {
    let engine = engine(2, 40);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    for _ in 0..4 {
        scheduler.submit(request(&engine, &ids(1, 520), 300)).expect("a request");
    }
    let mut events = Vec::new();
    while scheduler.status().running < 4 || scheduler.status().prompting > 0 {
        scheduler.step(&mut events);
        check_pages(&scheduler);
    }
    // Two pages of all, and two of each that are written or reserved.
    assert_eq!(scheduler.status().pages.active, 2 + 4 * 2);
    let mut heard = Heard::default();
    heard.hear(&mut events);
    // The generated texts are equal too: once their page is complete, it is there once.
    for _ in 0..260 {
        scheduler.step(&mut events);
        check_pages(&scheduler);
    }
    assert_eq!((scheduler.status().running, scheduler.status().pages.active), (4, 3 + 4));
    heard.hear(&mut events);
    heard.finish(&mut scheduler);
    assert_eq!(scheduler.status().pages.cached, 4);
    check_pages(&scheduler);
}

#[test]
fn what_is_not_used_makes_room() {
    let engine = engine(2, 10);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let requests = (1..8).map(|seed| request(&engine, &ids(seed, 700), 3)).collect();
    assert_eq!(cached(&mut scheduler, requests), [0; 7]);
    let status = scheduler.status();
    assert!(status.counters.prefix_evictions >= 11, "{status:?}");
    assert_eq!((status.pages.total, status.pages.elsewhere), (10, 0));
    // The last ones are still known.
    assert_eq!(cached(&mut scheduler, vec![request(&engine, &ids(7, 700), 3)]), [699]);
    // Other sequences of the engine are neither lost nor ours.
    let mut sequence = engine.sequence();
    let prompt = engine.prompt_of_ids(&ids(3, 10)).expect("ids");
    let fed = sequence.feed(&prompt, LogitsRequest::LARGEST, &mut || ControlFlow::Continue(()));
    let free = scheduler.status().pages.free;
    match fed {
        Ok(_) => assert_eq!(scheduler.status().pages.elsewhere, 1),
        Err(error) => assert_eq!(free, 0, "{error}"),
    }
    drop((sequence, scheduler));
    assert_eq!(free_pages(&engine), 10);
}

/// A request that does not say how much it wants gets pages as long as there are any, and harms nobody.
#[test]
fn an_open_end_grows_by_pages() {
    let engine = engine(2, 5);
    let options = SchedulerOptions { reserve: 10, ..SchedulerOptions::default() };
    let (mut scheduler, _) = scheduler(&engine, options);
    let open = |seed| GenerationRequest { max_tokens: None, ..request(&engine, &ids(seed, 240), 0) };
    let one = scheduler.submit(open(1)).expect("a request");
    let other = scheduler.submit(open(2)).expect("a request");
    let bounded = scheduler.submit(request(&engine, &ids(3, 200), 50)).expect("a request");
    let mut heard = Heard::default();
    heard.finish(&mut scheduler);
    let generated = |id| heard.usage[&id].generated_tokens;
    assert_eq!((generated(bounded), &*heard.told[&bounded].end), (50, "Finished(MaxTokens)"));
    // The last token of a full page is part of the text.
    assert_eq!(&*heard.told[&one].end, "Finished(ContextFull)");
    assert_eq!(&*heard.told[&other].end, "Finished(ContextFull)");
    assert_eq!((240 + generated(one) - 1) % 256, 0, "{}", generated(one));
    assert!(generated(one).max(generated(other)) > 500, "{} {}", generated(one), generated(other));
    check_pages(&scheduler);
}
