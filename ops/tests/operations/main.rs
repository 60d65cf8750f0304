//! The operations against numpy and scipy (`tools/golden/ops.py`), and against themselves on other machines.

mod attention;
mod bits;
mod elements;
mod fixture;
mod norms;
mod products;
mod reductions;
mod roles;
mod selection;
mod sequences;
