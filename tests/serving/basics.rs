//! One request and many: what they get is what a sequence of the engine gets.

use super::*;

#[test]
fn a_scheduler_can_be_sent() {
    fn sent<T: Send + 'static>() {}
    sent::<Scheduler>();
    sent::<GenerationRequest>();
    sent::<Event>();
    sent::<Refused>();
}

#[test]
fn many_get_what_a_sequence_gets() {
    let engine = engine(2, 40);
    let prompts: Vec<Vec<u32>> = [5, 300, 1, 700].iter().zip(1..).map(|(&count, seed)| ids(seed, count)).collect();
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let mut submit = |ids: &Vec<u32>| {
        let sampler = SamplerOptions { seed: 7, ..SamplerOptions::default() };
        let request = GenerationRequest {
            sampler: Box::new(SamplerChain::new(sampler).expect("a sampler")),
            ..request(&engine, ids, 20)
        };
        scheduler.submit(request).unwrap_or_else(|error| panic!("{error}"))
    };
    let requests: Vec<RequestId> = prompts.iter().map(&mut submit).collect();
    let mut heard = Heard::default();
    heard.finish(&mut scheduler);
    for (prompt, id) in prompts.iter().zip(requests) {
        let sampler = SamplerOptions { seed: 7, ..SamplerOptions::default() };
        let options = GenerateOptions { max_tokens: 20, stop_at_end_of_text: false, ..GenerateOptions::default() };
        let prompt = engine.prompt_of_ids(prompt).expect("ids");
        let sampler = SamplerChain::new(sampler).expect("a sampler");
        let mut sequence = engine.sequence();
        let pieces = sequence.generate_with(&prompt, sampler, options).map(|piece| piece.expect("a piece"));
        let (tokens, text): (Vec<_>, String) = pieces.map(|piece| (piece.token, piece.text)).unzip();
        let tokens: Vec<u32> = tokens.into_iter().flatten().map(|token| token.id()).collect();
        let told = &heard.told[&id];
        assert_eq!((&told.tokens, &told.text, &*told.end), (&tokens, &text, "Finished(MaxTokens)"));
        assert_eq!(heard.usage[&id].generated_tokens, 20);
    }
    let pages = scheduler.status().pages;
    assert_eq!((pages.active, pages.elsewhere), (0, 0), "{pages:?}");
}
