//! Products of activations.

use crate::fixture::{assert_near, cpu, numbers, tensor};
use trine_shapes::{Fixed, Tensor};

/// Batches of rank 3 and the single matrix are parts of the batch of rank 4.
#[test]
fn matrix_products_add_up_in_order_at_every_rank() {
    let x = tensor("product.x", (Fixed::<2>, Fixed::<3>, Fixed::<4>, Fixed::<5>));
    let y = tensor("product.y", (Fixed::<2>, Fixed::<3>, Fixed::<5>, Fixed::<6>));
    let z: Tensor<f32, (Fixed<2>, Fixed<3>, Fixed<4>, Fixed<6>)> = cpu().matrix_product(x.view(), y.view());
    assert_near(z.data(), "product.z", 0);
    let batch = |x: &[f32], from: usize, to: usize| x[from..to].to_vec();
    let x3 = Tensor::from_data((Fixed::<3>, Fixed::<4>, Fixed::<5>), batch(x.data(), 60, 120));
    let y3 = Tensor::from_data((Fixed::<3>, Fixed::<5>, Fixed::<6>), batch(y.data(), 90, 180));
    assert_eq!(cpu().matrix_product(x3.view(), y3.view()).data(), &z.data()[72..]);
    let x2 = Tensor::from_data((Fixed::<4>, Fixed::<5>), batch(x.data(), 100, 120));
    let y2 = Tensor::from_data((Fixed::<5>, Fixed::<6>), batch(y.data(), 150, 180));
    assert_eq!(cpu().matrix_product(x2.view(), y2.view()).data(), &z.data()[120..]);
}

#[test]
fn outer_products_and_products_of_rows() {
    let x = Tensor::from_data((Fixed::<5>,), &numbers("product.x")[..5]);
    let y = Tensor::from_data((Fixed::<6>,), &numbers("product.y")[..6]);
    assert_near(cpu().outer_product(x.view(), y.view()).data(), "product.outer", 0);
    let rows = tensor("broadcast.x", (Fixed::<2>, Fixed::<3>, Fixed::<5>));
    let others = tensor("broadcast.y", (Fixed::<2>, Fixed::<3>, Fixed::<5>));
    assert_near(cpu().row_products(rows.view(), others.view()).data(), "product.rows", 1);
}

#[test]
fn a_sum_of_nothing_is_zero() {
    let (x, y) = (Tensor::zeros((Fixed::<2>, Fixed::<0>)), Tensor::zeros((Fixed::<0>, Fixed::<3>)));
    assert_eq!(cpu().matrix_product(x.view(), y.view()).data(), [0.0; 6]);
    assert!(cpu().matrix_product(y.view(), Tensor::zeros((Fixed::<3>, Fixed::<4>)).view()).data().is_empty());
}
