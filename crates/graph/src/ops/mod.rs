//! The primitives: one file each, and this one list.

mod convolution_axes;
mod convolution_cases;
mod convolution_symmetry;
mod convolution_transpose;
mod elementwise;
mod indexing;
mod matrices;
mod window;
mod windows;

use tensor::Tensor;

use crate::{Attr, AttributeError, AttributeReader, AxisMap, Case, Diff, Kink, Primitive, Ty, TypeError};

pub use compare::Direction;
pub use convolution::ConvolutionSizes;
pub use convolution_axes::{ImageAxes, KernelAxes};
pub use pad::Kept;
pub use window::Window;

/// What a variant of [`Prim`] holds: the primitive, unless it is said otherwise.
macro_rules! held {
    ($name:ident) => {
        $name
    };
    ($name:ident $held:ty) => {
        $held
    };
}

/// Declares the modules of all primitives, the closed enumeration [`Prim`] and its dispatch.
macro_rules! primitives {
    ($($module:ident::$name:ident $(: $held:ty)?),* $(,)?) => {
        $(mod $module; pub use $module::$name;)*

        /// Any primitive. Closed, so that an exhaustive match elsewhere stops compiling when one is added.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Prim {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name(held!($name $($held)?))),*
        }

        impl Prim {
            /// The names of all primitives.
            pub const NAMES: &'static [&'static str] = &[$($name::NAME),*];

            /// The name in the text form.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::NAME),* }
            }

            /// The attributes, in the order in which the text form shows them.
            #[must_use]
            pub fn attributes(&self) -> Vec<(&'static str, Attr)> {
                match self { $(Self::$name(op) => op.attributes()),* }
            }

            /// The primitive called `name` with these attributes.
            ///
            /// # Errors
            /// Where there is no such primitive, or an attribute is missing, malformed or unknown.
            pub fn from_attributes(
                name: &str,
                attributes: Vec<(String, Attr)>,
            ) -> Result<Self, AttributeError> {
                match name {
                    $($name::NAME => {
                        let mut reader = AttributeReader::new($name::NAME, attributes);
                        let op = $name::from_attributes(&mut reader)?;
                        reader.finish()?;
                        Ok(op.into())
                    })*
                    _ => Err(AttributeError::UnknownPrimitive { name: name.to_owned() }),
                }
            }

            /// The type of the result; see [`Primitive::out_type`]. One constraint is common to all primitives:
            /// (size) a result can be addressed, see [`Ty::is_addressable`].
            ///
            /// # Errors
            /// Where the operands violate a constraint.
            pub fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
                let ty = match self { $(Self::$name(op) => op.out_type(operands)),* }?;
                if !ty.is_addressable() {
                    let bytes = ty.approximate_bytes();
                    let message = format!("a result of type {ty} has {bytes:.2e} bytes, more than can be addressed");
                    return Err(TypeError::new(self.name(), "size", message, operands));
                }
                Ok(ty)
            }

            /// The meaning; see [`Primitive::eval`].
            #[must_use]
            pub fn eval(&self, operands: &[&Tensor]) -> Tensor {
                match self { $(Self::$name(op) => op.eval(operands)),* }
            }

            /// The derivative class; see [`Primitive::diff`].
            #[must_use]
            pub fn diff(&self) -> Diff<'_> {
                match self { $(Self::$name(op) => op.diff()),* }
            }

            /// How the axes correspond; see [`Primitive::axes`].
            #[must_use]
            pub fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
                match self { $(Self::$name(op) => op.axes(operands, result)),* }
            }

            /// The cases of all primitives for the law suites.
            #[must_use]
            pub fn cases() -> Vec<Case> {
                let mut cases = Vec::new();
                $(cases.extend($name::cases());)*
                cases
            }

            /// The kinks of all primitives.
            #[must_use]
            pub fn kinks() -> Vec<Kink> {
                let mut kinks = Vec::new();
                $(kinks.extend($name::kinks());)*
                kinks
            }
        }

        $(impl From<$name> for Prim {
            fn from(op: $name) -> Self {
                Self::$name(op.into())
            }
        })*
    };
}

primitives! {
    abs::Abs,
    add::Add,
    and::And,
    broadcast_in_dim::BroadcastInDim,
    cholesky::Cholesky,
    compare::Compare,
    concatenate::Concatenate,
    constant::Constant,
    convert::Convert,
    convolution::Convolution: Box<Convolution>,
    cos::Cos,
    divide::Divide,
    dot_general::DotGeneral,
    erf::Erf,
    exp::Exp,
    gather::Gather,
    iota::Iota,
    log::Log,
    log1p::Log1p,
    logistic::Logistic,
    maximum::Maximum,
    minimum::Minimum,
    multiply::Multiply,
    negate::Negate,
    not::Not,
    or::Or,
    pad::Pad,
    power::Power,
    random_bits::RandomBits,
    reduce_max::ReduceMax,
    reduce_sum::ReduceSum,
    reshape::Reshape,
    reverse::Reverse,
    rsqrt::Rsqrt,
    scatter_add::ScatterAdd,
    select::Select,
    sign::Sign,
    sin::Sin,
    slice::Slice,
    sqrt::Sqrt,
    stop_gradient::StopGradient,
    subtract::Subtract,
    tanh::Tanh,
    transpose::Transpose,
    triangular_solve::TriangularSolve,
    window_argmax::WindowArgmax,
    window_gather::WindowGather,
    window_scatter::WindowScatter,
    window_sum::WindowSum,
    xor::Xor,
}
