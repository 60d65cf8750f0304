//! Causal attention over cached keys and values.

use crate::cache::Cached;
use crate::cpu::Cpu;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use trine_kernels::attention::pages::attention_over_pages;
use trine_kernels::slices::{AttentionShape, Span};
use trine_shapes::{Axis, Causal, Pairing, Product, Rotated, Step, Tensor, View, product_of};

impl Cpu {
    /// Causal grouped-query attention: `softmax(q k^T / sqrt(D)) v` for each query head, over the positions of its
    /// sequence up to the query's own, in f32; over a [`CacheType::Q8`](trine_kernels::CacheType::Q8) cache with
    /// queries and weights of 16 bits.
    ///
    /// Shapes: queries `(T, H, Rotated<D>)`, keys and values of `K` heads at the positions `Causal<T>` that the tokens
    /// see, result `(T, H, D)`. Query heads are `H = K x Group`, so the key/value head of a query head follows from the
    /// types, as what a token sees follows from its step. Source: Ainslie et al. 2023 (arXiv 2305.13245).
    ///
    /// ```
    /// use trine_ops::{Cached, Cpu};
    /// use trine_shapes::*;
    ///
    /// type Queries<'q, T, M> = View<'q, f32, (T, Heads<M>, Rotated<HeadDim<M>>)>;
    /// type Keys<'c, T, M, K> = Cached<'c, K, HeadDim<M>, Causal<T>>;
    /// fn attend<T: Step, M: Model>(cpu: &Cpu, q: Queries<T, M>, cached: Keys<T, M, KvHeads<M>>) {
    ///     cpu.attention(q, &cached);
    /// }
    /// ```
    /// Keys have the key/value heads, not those of the queries:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cached, Cpu};
    /// # use trine_shapes::*;
    /// # type Queries<'q, T, M> = View<'q, f32, (T, Heads<M>, Rotated<HeadDim<M>>)>;
    /// # type Keys<'c, T, M, K> = Cached<'c, K, HeadDim<M>, Causal<T>>;
    /// fn attend<T: Step, M: Model>(cpu: &Cpu, q: Queries<T, M>, cached: Keys<T, M, Heads<M>>) {
    ///     cpu.attention(q, &cached);
    /// }
    /// ```
    pub fn attention<T: Step, H, K: Axis, G: Axis, D: Axis, R: Pairing>(
        &self,
        q: View<'_, f32, (T, H, Rotated<D, R>)>,
        cached: &Cached<'_, K, D, Causal<T>, R>,
    ) -> Tensor<f32, (T, H, D)>
    where
        H: Product<Outer = K, Inner = G>,
    {
        self.attention_within(q, cached, NonZeroUsize::MAX)
    }

    /// [`attention`](Cpu::attention) where a query sees the last `window` positions up to its own, which is one of
    /// them. Source: Beltagy, Peters and Cohan 2020 (arXiv 2004.05150), section 3.1; `LLAMA_SWA_TYPE_STANDARD` of
    /// llama.cpp.
    pub fn attention_within<T: Step, H, K: Axis, G: Axis, D: Axis, R: Pairing>(
        &self,
        q: View<'_, f32, (T, H, Rotated<D, R>)>,
        cached: &Cached<'_, K, D, Causal<T>, R>,
        window: NonZeroUsize,
    ) -> Tensor<f32, (T, H, D)>
    where
        H: Product<Outer = K, Inner = G>,
    {
        let (step, heads, _) = q.shape();
        let ((kv_heads, group), head) = (heads.factors(), cached.axes().1);
        let mut y = self.zeros(product_of(&[step.len(), heads.len(), head.len()]));
        let spans: Vec<Span> = step.spans().map(|span| Span { past: span.past, tokens: span.tokens }).collect();
        let (kv_heads, group, head_dim) = (kv_heads.len(), group.len(), head.len());
        let shape = AttentionShape { spans: &spans, kv_heads, group, head_dim, window: window.get() };
        attention_over_pages(self, shape, q.data(), cached.pages(), &mut y);
        Tensor::assume((step, heads, head), y, "attention adds values up")
    }
}
