//! The first layer of a vision transformer, with axes of its own and lengths that a file could have given.

use trine::kernels::PackingKind;
use trine::ops::{Activations, RmsNorm};
use trine::prelude::*;
use trine::shapes::{Normed, Shape, norm_role};

environment! {
    /// The lengths of a vision transformer.
    struct Vit { patches, side, row_values, heads, head_width }
}
axis! {
    /// Patches of one image.
    struct Patches<E: Environment<Vit>> = |vit| vit.patches;
    /// Rows of pixels in one patch.
    struct Side<E: Environment<Vit>> = |vit| vit.side;
    /// Values in one row of a patch: its pixels, three colours each.
    struct RowValues<E: Environment<Vit>> = |vit| vit.row_values;
    /// Attention heads.
    struct VitHeads<E: Environment<Vit>> = |vit| vit.heads;
    /// Width of one head.
    struct HeadWidth<E: Environment<Vit>> = |vit| vit.head_width;
}
product! {
    /// Values of one patch.
    struct Pixels<E: Environment<Vit>> = Side<E> x RowValues<E>;
    /// Residual width.
    struct Width<E: Environment<Vit>> = VitHeads<E> x HeadWidth<E>;
}
norm_role! {
    /// After the positions are added.
    enum PatchNorm = "patch_norm";
}

/// `norm(W x + position)` for each patch.
fn embed<E: Environment<Vit>>(
    cpu: &Cpu,
    patches: Tensor<f32, (Patches<E>, Pixels<E>)>,
    weight: &Weight<Matrix, Width<E>, Pixels<E>>,
    position: &Tensor<f32, (Patches<E>, Width<E>)>,
    norm: &RmsNorm<PatchNorm, Width<E>>,
) -> Tensor<f32, (Patches<E>, Normed<PatchNorm, Width<E>>)> {
    let x = cpu.linear(&Activations::new(patches), weight);
    cpu.rms_norm(cpu.add(x, position.view()), norm)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cpu = Cpu::new(CpuOptions::default())?;
    Dyn::scope(Vit { patches: 6, side: 4, row_values: 12, heads: 3, head_width: 10 }, |vit| {
        let (patches, pixels, width) = (Patches::of(vit), Pixels::of(vit), Width::of(vit));
        let values: Vec<u8> = (0..30 * 48).flat_map(|i| (i as f32 * 0.73).sin().to_le_bytes()).collect();
        let weight = Weight::check("w", Matrix::new(PackingKind::F32, 30, 48, values.into())?, (width, pixels))?;
        let image = Tensor::from_fn((patches, pixels), |i| i as f32 / 288.0);
        let position = Tensor::from_fn((patches, width), |i| (i as f32 * 0.01).cos());
        let norm = RmsNorm::new(Tensor::from_fn((width,), |_| 1.0), 1e-6);
        let x = embed(&cpu, image, &weight, &position, &norm);
        println!("{:?} become {:?}", [6, 48], x.shape().lens());
        Ok(())
    })
}
