//! Every sublayer against HF transformers, each with the reference's own input, so that no error hides behind another.

use crate::api::*;
use crate::support::{Reference, assert_close, cpu, open, with_model};

const TOLERANCE: f64 = 1e-5;

/// The reference's tensors of one layer, as tensors of ours.
struct Given<'r> {
    reference: &'r Reference,
    layer: usize,
}

impl Given<'_> {
    fn name(&self, what: &str) -> String {
        format!("layer.{}.{what}", self.layer)
    }

    /// `what` with the tokens of a step and the axis `A`.
    fn tensor<T: Step, A: Axis>(&self, what: &str, step: T, axis: A) -> Tensor<f32, (T, A)> {
        let name = self.name(what);
        let data = self.reference.floats(&name);
        Tensor::assume((step, axis), data, "HF transformers computed it")
    }

    fn check(&self, file: &str, what: &str, found: &[f32]) {
        let name = self.name(what);
        assert_close(&format!("{file}, {name}"), found, &self.reference.floats(&name), TOLERANCE);
    }
}

fn attention<M: Model, S: Plain>(
    cpu: &Cpu,
    file: &str,
    t: &Transformer<M>,
    block: &Block<M>,
    given: &Given<'_>,
    seq: S,
) {
    let (hidden, q_width, kv_width) = (Hidden::of(t.model), QWidth::of(t.model), KvWidth::of(t.model));
    let Mixer::Attention(index) = block.mixer else { panic!("{file} has attention in every block") };
    let layer = &t.attention[index];
    let seq = Uniform::assume(Fixed::<1>, Fixed::<0>, seq, "a prompt is behind nothing");
    let (normed, residual) = cpu.pre_norm(given.tensor("input", seq, hidden), &block.attn_norm);
    given.check(file, "attn_norm", normed.data());
    let h = Activations::new(given.tensor("attn_norm", seq, Normed::<AttnNorm, _>::of(hidden)));
    let Queries::Plain(query) = &layer.query else { panic!("{file} has no output gates") };
    given.check(file, "attn_q", cpu.linear(&h, query).data());
    given.check(file, "attn_k", cpu.linear(&h, &layer.key).data());
    given.check(file, "attn_v", cpu.linear(&h, &layer.value).data());
    let q = cpu.rope(given.tensor("attn_q", seq, q_width).split(), &t.rope);
    let k = cpu.rope(given.tensor("attn_k", seq, kv_width).split(), &t.rope);
    given.check(file, "attn_q_rope", q.data());
    given.check(file, "attn_k_rope", k.data());
    let (heads, head) = (KvHeads::of(t.model), HeadDim::of(t.model));
    let pool = KvPool::new(AttentionLayers::of(t.model), heads, head, 1, CacheType::F32).expect("it fits");
    let mut cache = pool.sequence();
    let mut step = KvStep::open(seq, vec![&mut cache]).expect("an empty cache");
    let v = given.tensor("attn_v", seq, Value::of(kv_width)).split();
    let cached = step.layer(index).append(k.view(), v.view());
    let attended = cpu.attention(q.view(), &cached).merge::<QWidth<M>>();
    given.check(file, "attention", attended.data());
    let SubNorm::RmsNorm(sub_norm) = &layer.sub_norm else { panic!("{file} has sub-norms") };
    given.check(file, "attn_sub_norm", cpu.rms_norm(given.tensor("attention", seq, q_width), sub_norm).data());
    let h = Activations::new(given.tensor("attn_sub_norm", seq, Normed::<AttnSubNorm, _>::of(q_width)));
    given.check(file, "attn_output", cpu.linear(&h, &layer.output).data());
    let sum = cpu.add_branch(residual, given.tensor("attn_output", seq, Branch::of(hidden)));
    given.check(file, "residual", sum.data());
}

fn feed_forward<M: Model, S: Plain>(
    cpu: &Cpu,
    file: &str,
    t: &Transformer<M>,
    block: &Block<M>,
    given: &Given<'_>,
    seq: S,
) {
    let (hidden, ffn) = (Hidden::of(t.model), Ffn::of(t.model));
    let FeedForward::Dense(layer) = &block.feed_forward else { panic!("{file} has one network for all tokens") };
    let seq = Uniform::assume(Fixed::<1>, Fixed::<0>, seq, "a prompt is behind nothing");
    let (normed, residual) = cpu.pre_norm(given.tensor("residual", seq, hidden), &block.ffn_norm);
    given.check(file, "ffn_norm", normed.data());
    let h = Activations::new(given.tensor("ffn_norm", seq, Normed::<FfnNorm, _>::of(hidden)));
    given.check(file, "ffn_gate", cpu.linear(&h, &layer.gate).data());
    given.check(file, "ffn_up", cpu.linear(&h, &layer.up).data());
    let (gate, up) = (given.tensor("ffn_gate", seq, Gate::of(ffn)), given.tensor("ffn_up", seq, ffn));
    given.check(file, "ffn_product", cpu.gated(layer.gating, gate, up).data());
    let SubNorm::RmsNorm(sub_norm) = &layer.sub_norm else { panic!("{file} has sub-norms") };
    given.check(file, "ffn_sub_norm", cpu.rms_norm(given.tensor("ffn_product", seq, ffn), sub_norm).data());
    let h = Activations::new(given.tensor("ffn_sub_norm", seq, Normed::<FfnSubNorm, _>::of(ffn)));
    given.check(file, "ffn_down", cpu.linear(&h, &layer.down).data());
    let output = cpu.add_branch(residual, given.tensor("ffn_down", seq, Branch::of(hidden)));
    given.check(file, "output", output.data());
}

fn head<M: Model, S: Plain>(cpu: &Cpu, file: &str, t: &Transformer<M>, reference: &Reference, seq: S) {
    let hidden = Hidden::of(t.model);
    let last = Given { reference, layer: t.config.dims.blocks() - 1 };
    let seq = Uniform::assume(Fixed::<1>, Fixed::<0>, seq, "a prompt is behind nothing");
    let normed = cpu.rms_norm(last.tensor("output", seq, hidden), &t.output_norm);
    assert_close(&format!("{file}, output_norm"), normed.data(), &reference.floats("output_norm"), TOLERANCE);
    let data = reference.floats("output_norm");
    let h = Tensor::assume((seq, Normed::of(hidden)), data, "HF transformers computed it");
    let logits = cpu.logits(&Activations::new(h), &t.head);
    assert_close(&format!("{file}, logits"), logits.data(), &reference.floats("logits"), TOLERANCE);
}

#[test]
fn every_sublayer_agrees_with_transformers() {
    let cpu = cpu();
    for model in ["a", "b"] {
        let reference = Reference::open(&format!("hf/{model}.safetensors"));
        for kind in ["i2_s", "tq1_0", "tq2_0"] {
            let name = format!("hf/{model}-{kind}.gguf");
            with_model(&open(&name), &LoadOptions::default(), |t| {
                Seq::scope(reference.ids("prompt.ids").len(), |seq| {
                    for (index, block) in t.blocks.iter().enumerate() {
                        let given = Given { reference: &reference, layer: index };
                        attention(&cpu, &name, t, block, &given, seq);
                        feed_forward(&cpu, &name, t, block, &given, seq);
                    }
                    head(&cpu, &name, t, &reference, seq);
                });
            });
        }
    }
}
