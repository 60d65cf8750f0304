//! Statistics are right, sound files give no remarks, and what is unusual is said of the tensor that is.

use super::*;
use crate::Synthetic;
use crate::tools::changed::changed;
use trine_loader::Gguf;

fn judged(file: &Gguf) -> Vec<(String, Judgement)> {
    let config = Config::from_gguf(file).unwrap();
    let names = file.tensors().iter().map(|tensor| tensor.name.clone());
    let cpu = Cpu::new(Default::default()).unwrap();
    names.zip(judge(file, Some(&config), I2sPacking::X86, &cpu)).collect()
}

fn remarks(file: &Gguf) -> Vec<String> {
    let judged = judged(file).into_iter();
    judged
        .flat_map(|(name, judgement)| judgement.remarks.into_iter().map(move |text| format!("{name}: {text}")))
        .collect()
}

/// The tiny model with the F32 values of a tensor multiplied, or the bytes of another type replaced by 0.
fn with(name: &str, factor: f32) -> Gguf {
    changed(&Synthetic::tiny().gguf().unwrap(), name, |bytes| {
        for value in bytes.as_chunks_mut::<4>().0 {
            *value = (f32::from_le_bytes(*value) * factor).to_le_bytes();
        }
    })
}

#[test]
fn statistics_are_those_of_the_values() {
    let file = Synthetic::tiny().gguf().unwrap();
    for (name, judgement) in judged(&file) {
        let Statistics { packing, scale, zeros, rms } = judgement.statistics.unwrap();
        match name.as_str() {
            "blk.0.ffn_down.weight" => {
                let scale = f64::from(scale.unwrap());
                assert_eq!(packing, "i2_s");
                assert!((zeros - 0.5).abs() < 0.01, "{zeros}");
                assert!((rms - scale * (1.0 - zeros).sqrt()).abs() < 1e-9, "{rms}");
            }
            "blk.1.ffn_sub_norm.weight" => {
                // Gains from 0.5 to 1.5: the mean of their squares is 1 + 1/12.
                assert_eq!((packing, scale, zeros), ("f32", None, 0.0));
                assert!((rms - (13.0f64 / 12.0).sqrt()).abs() < 0.05, "{rms}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_sound_model_gives_no_remarks() {
    assert_eq!(remarks(&Synthetic::tiny().gguf().unwrap()), Vec::<String>::new());
}

#[test]
fn gains_as_small_as_those_of_the_published_model_are_usual() {
    let usual = usual_rms(Role::Norm(3, BlockNorm::Attn), Architecture::BitnetB158).unwrap();
    assert!(usual.contains(&0.0115) && usual.contains(&0.0236));
    let llama = usual_rms(Role::Norm(0, BlockNorm::Attn), Architecture::Llama).unwrap();
    assert!(llama.contains(&0.0399), "SmolLM2-135M");
}

#[test]
fn unusual_gains_are_said_of_their_tensor() {
    let found = remarks(&with("blk.1.ffn_norm.weight", 0.001));
    assert!(found.iter().all(|text| text.starts_with("blk.1.ffn_norm.weight: an RMS of 0.001")), "{found:?}");
    assert!(found[0].contains("is unusual"), "{found:?}");
    let found = remarks(&with("output_norm.weight", 100.0));
    assert!(found.len() == 1 && found[0].starts_with("output_norm.weight: an RMS of 1"), "{found:?}");
}

#[test]
fn contents_that_are_not_valid_are_no_statistics() {
    let file = with("blk.0.attn_norm.weight", f32::NAN);
    let judged = judged(&file);
    let (_, judgement) = judged.iter().find(|(name, _)| name == "blk.0.attn_norm.weight").unwrap();
    assert!(judgement.statistics.as_ref().unwrap_err().to_string().contains("NaN"));
}
