//! Building graphs.

use std::sync::Arc;

use tensor::{DType, Element, Shape, Tensor};

use crate::{
    Def, Graph, Input, Output, Prim, Role, Ty, TypeError, Val,
    graph::Value,
    ops::{BroadcastInDim, Constant},
    verify,
};

/// Builds a [`Graph`], one application at a time, each type-checked.
///
/// The methods named after primitives and composites panic where the operands do not fit: they are for code
/// that knows its shapes (derivative rules, architectures that have validated their specification). Code that
/// takes applications from outside uses [`Builder::try_apply`].
#[derive(Clone, Debug)]
pub struct Builder {
    graph: Graph,
}

impl Builder {
    /// An empty graph called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        let graph = Graph { name: name.into(), inputs: Vec::new(), values: Vec::new(), outputs: Vec::new() };
        Self { graph }
    }

    /// The graph so far.
    #[must_use]
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type of a value.
    ///
    /// # Panics
    /// Where the value is not of this graph.
    #[must_use]
    pub fn ty(&self, val: Val) -> &Ty {
        self.graph.ty(val)
    }

    /// The shape of a value.
    ///
    /// # Panics
    /// Where the value is not of this graph.
    #[must_use]
    pub fn shape(&self, val: Val) -> &Shape {
        &self.graph.ty(val).shape
    }

    /// Declares the next input.
    pub fn input(&mut self, name: impl Into<String>, role: Role, ty: Ty) -> Val {
        let def = Def::Input(self.graph.inputs.len());
        let val = self.define(ty, def);
        self.graph.inputs.push(Input { name: name.into(), role, val });
        val
    }

    /// Declares the next input as a trained parameter.
    pub fn parameter(&mut self, name: impl Into<String>, ty: Ty) -> Val {
        self.input(name, Role::Parameter, ty)
    }

    /// Declares the next input as data.
    pub fn data(&mut self, name: impl Into<String>, ty: Ty) -> Val {
        self.input(name, Role::Data, ty)
    }

    /// Declares the next output.
    pub fn output(&mut self, name: impl Into<String>, val: Val) {
        self.graph.outputs.push(Output { name: name.into(), val });
    }

    /// Ends the building.
    ///
    /// # Panics
    /// In debug builds, where the graph does not [`verify()`]: two inputs or outputs share a name, one is empty, or
    /// an input is too large.
    #[must_use]
    #[track_caller]
    pub fn finish(self) -> Graph {
        if cfg!(debug_assertions)
            && let Err(diagnostics) = verify(&self.graph)
        {
            let list: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            panic!("graph '{}': {}", self.graph.name, list.join("; "));
        }
        self.graph
    }

    /// Applies a primitive.
    ///
    /// # Errors
    /// Where the operands violate a constraint of the primitive.
    pub fn try_apply(&mut self, op: impl Into<Prim>, operands: &[Val]) -> Result<Val, TypeError> {
        let op = op.into();
        let types: Vec<&Ty> = operands.iter().map(|&operand| self.graph.ty(operand)).collect();
        let ty = op.out_type(&types)?;
        Ok(self.define(ty, Def::Apply { op, operands: operands.to_vec() }))
    }

    /// Applies a primitive to operands that are known to fit.
    ///
    /// # Panics
    /// Where they do not.
    #[track_caller]
    pub fn apply(&mut self, op: impl Into<Prim>, operands: &[Val]) -> Val {
        match self.try_apply(op, operands) {
            Ok(val) => val,
            Err(error) => panic!("{error}"),
        }
    }

    fn define(&mut self, ty: Ty, def: Def) -> Val {
        let val = Val::new(self.graph.values.len());
        self.graph.values.push(Value { ty, def });
        val
    }

    /// Declares the inputs of `other`, with their names and roles.
    ///
    /// # Panics
    /// Where one of the names is taken.
    #[track_caller]
    pub fn copy_inputs(&mut self, other: &Graph) -> Vec<Val> {
        let inputs = other.inputs().iter();
        inputs.map(|input| self.input(input.name.clone(), input.role, other.ty(input.val).clone())).collect()
    }

    /// Copies inputs and applications of `other` into this graph; returns what each value of `other` became.
    ///
    /// # Panics
    /// Where the name of an input is taken.
    #[track_caller]
    pub fn copy(&mut self, other: &Graph) -> Vec<Val> {
        let inputs = self.copy_inputs(other);
        self.inline(other, &inputs)
    }

    /// Copies the applications of `other` into this graph, with its inputs replaced by `arguments`; returns
    /// what each value of `other` became.
    ///
    /// # Panics
    /// Where the number or the types of the arguments are not those of the inputs.
    #[track_caller]
    pub fn inline(&mut self, other: &Graph, arguments: &[Val]) -> Vec<Val> {
        self.inline_with(other, arguments, |_, _, copy| copy)
    }

    /// As [`Builder::inline`], but what uses a value of `other` uses what `replace` makes of its copy: `replace` is given the builder,
    /// the value of `other` and its copy, once for each value, in order.
    ///
    /// # Panics
    /// As [`Builder::inline`]; where the type of a replacement is another.
    #[track_caller]
    pub fn inline_with(
        &mut self,
        other: &Graph,
        arguments: &[Val],
        mut replace: impl FnMut(&mut Self, Val, Val) -> Val,
    ) -> Vec<Val> {
        assert_eq!(arguments.len(), other.inputs.len(), "one argument for each input of '{}'", other.name);
        let mut copied: Vec<Val> = Vec::with_capacity(other.len());
        for val in other.vals() {
            let copy = match other.def(val) {
                Def::Input(position) => arguments[*position],
                Def::Apply { op, operands } => {
                    let operands: Vec<Val> =
                        operands.iter().map(|operand| copied[operand.position()]).collect();
                    self.define(other.ty(val).clone(), Def::Apply { op: op.clone(), operands })
                }
            };
            let copy = replace(self, val, copy);
            assert_eq!(self.ty(copy), other.ty(val), "value {} of '{}'", val.position(), other.name);
            copied.push(copy);
        }
        copied
    }

    /// A constant tensor.
    pub fn constant(&mut self, tensor: Tensor) -> Val {
        self.apply(Constant { value: Arc::new(tensor) }, &[])
    }

    /// A constant scalar of type `dtype`; truth values by comparison with zero.
    pub fn scalar(&mut self, dtype: DType, value: f64) -> Val {
        self.constant(Tensor::scalar(value).convert(dtype))
    }

    /// A constant scalar of a Rust type.
    pub fn scalar_of<T: Element>(&mut self, value: T) -> Val {
        self.constant(Tensor::scalar(value))
    }

    /// The same number everywhere in a tensor of type `ty`.
    pub fn splat(&mut self, ty: &Ty, value: f64) -> Val {
        let scalar = self.scalar(ty.dtype, value);
        self.broadcast(scalar, &ty.shape, &[])
    }

    /// The number `value` in the type and shape of `like`.
    pub fn splat_like(&mut self, like: Val, value: f64) -> Val {
        let ty = self.ty(like).clone();
        self.splat(&ty, value)
    }

    /// Broadcasts `x` to `shape`, its axis `i` becoming axis `axes[i]` (primitive `broadcast_in_dim`). Returns
    /// `x` itself where nothing changes.
    ///
    /// # Panics
    /// Where the axes do not fit.
    #[track_caller]
    pub fn broadcast(&mut self, x: Val, shape: &Shape, axes: &[usize]) -> Val {
        if self.shape(x) == shape && axes.iter().copied().eq(0..shape.rank()) {
            return x;
        }
        self.apply(BroadcastInDim { shape: shape.clone(), axes: axes.to_vec() }, &[x])
    }
}
