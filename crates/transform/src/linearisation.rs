//! A linearisation made ready to run: once for each point, then once for each tangent.

use std::borrow::Cow;

use graph::{Builder, ExecError, Executor, Graph, Held, Placed, Value, check_types};
use tensor::Tensor;

use crate::{Linearised, fresh::Names, passes::Passes, recycling::Recycling};

/// Both halves of a [`Linearised`], compiled. The memory of residuals and results is used again from one run to the
/// next. What belongs to the point stays where the executor computes.
///
/// ```
/// use graph::{Builder, Reference, Ty};
/// use tensor::Tensor;
/// use isoloss_transform::{Linearisation, Linearised, RESIDUAL_BUDGET_BYTES};
///
/// // loss = sum of x³: the Hessian is diagonal with entries 6x
/// let mut b = Builder::new("cubes");
/// let x = b.data("x", Ty::f64([2]));
/// let square = b.multiply(x, x);
/// let cube = b.multiply(square, x);
/// let loss = b.reduce_sum(cube, &[0]);
/// b.output("loss", loss);
/// let hessian = Linearised::hvp(&b.finish(), 0, &[0], RESIDUAL_BUDGET_BYTES);
///
/// let mut hessian = Linearisation::compile(&Reference, hessian)?;
/// let point = Tensor::new([2], vec![1.0, 2.0])?;
/// let mut hessian = hessian.at(&[&point])?;
/// assert_eq!(hessian.results()[0].to_f64_vec(), [9.0]);
/// let direction = Tensor::new([2], vec![1.0, -1.0])?;
/// assert_eq!(hessian.apply(&[&direction])?[0].to_f64_vec(), [6.0, -12.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Linearisation {
    linearised: Linearised,
    primal: Recycling,
    linear: Recycling,
    passes: Option<Passes>,
    /// Whether the executor has memory of its own.
    remote: bool,
}

impl Linearisation {
    /// Prepares both halves.
    ///
    /// # Errors
    /// Where the executor refuses one.
    pub fn compile(executor: &dyn Executor, linearised: Linearised) -> Result<Self, ExecError> {
        let remote = executor.is_remote();
        let primal = match remote {
            true => Recycling::compile(executor, &with_kept_outputs(&linearised))?,
            false => Recycling::compile(executor, &linearised.primal)?,
        };
        let linear = Recycling::compile(executor, &linearised.linear)?;
        Ok(Self { linearised, primal, linear, passes: None, remote })
    }

    /// Prepares both halves, and for [`AtPoint::apply_each`] of about `count` tangents also what makes several products
    /// in one pass, where [`Linearised::pass_size`] says that this is worth it, and as many passes at a time as there are
    /// threads.
    ///
    /// # Errors
    /// Where the executor refuses one.
    pub fn compile_for(
        executor: &dyn Executor,
        linearised: Linearised,
        count: usize,
    ) -> Result<Self, ExecError> {
        let passes = Passes::compile(executor, &linearised, count)?;
        Ok(Self { passes, ..Self::compile(executor, linearised)? })
    }

    /// The graphs that were compiled, and what the residuals hold.
    #[must_use]
    pub const fn linearised(&self) -> &Linearised {
        &self.linearised
    }

    /// Runs the primal half; `point` has one tensor for each of its inputs, in order.
    ///
    /// # Errors
    /// Where the number or the types of the tensors are not those of the inputs.
    pub fn at<'a>(&'a mut self, point: &[&'a Tensor]) -> Result<AtPoint<'a>, ExecError> {
        let arguments: Vec<Placed<'_>> = point.iter().map(|&tensor| Placed::Tensor(tensor)).collect();
        check_types(&self.linearised.primal, arguments.iter().map(Placed::ty))?;
        if self.remote {
            let outputs = self.primal.run_placed(arguments)?;
            return self.at_remote(outputs);
        }
        let outputs = self.primal.run(arguments)?;
        let kept = self.linearised.kept.iter().map(|&position| point[position]);
        let residuals = self.linearised.residuals.iter().map(|&position| &outputs[position]);
        Ok(AtPoint {
            signature: &self.linearised.linear,
            linear: &mut self.linear,
            passes: self.passes.as_mut(),
            results: Cow::Borrowed(&outputs[..self.linearised.results]),
            fixed: kept.chain(residuals).map(Held::Tensor).collect(),
        })
    }

    /// The outputs are those of the primal half, then what is kept of the point.
    fn at_remote<'a>(&'a mut self, mut outputs: Vec<Value>) -> Result<AtPoint<'a>, ExecError> {
        let Linearised { linear, results, residuals, .. } = &self.linearised;
        let kept = outputs.split_off(self.linearised.primal.outputs().len());
        let results: Vec<Tensor> = outputs[..*results]
            .iter()
            .map(|value| Ok(value.tensor()?.into_owned()))
            .collect::<Result<_, _>>()?;
        let mut outputs: Vec<Option<Value>> = outputs.into_iter().map(Some).collect();
        let residuals = residuals.iter().filter_map(|&position| outputs[position].take());
        Ok(AtPoint {
            signature: linear,
            linear: &mut self.linear,
            passes: None,
            results: Cow::Owned(results),
            fixed: kept.into_iter().chain(residuals).map(Held::Value).collect(),
        })
    }

    /// Bytes of working memory of the two halves beyond arguments, results and residuals.
    #[must_use]
    pub fn workspace_bytes(&self) -> usize {
        self.primal.executable.workspace_bytes() + self.linear.executable.workspace_bytes()
    }
}

/// The primal half, with the inputs that the linear half reads as further outputs: so they are sent to a device once for
/// each point.
fn with_kept_outputs(linearised: &Linearised) -> Graph {
    let primal = &linearised.primal;
    let mut b = Builder::new(primal.name());
    let values = b.copy(primal);
    let mut names: Names = primal.outputs().iter().map(|output| output.name.as_str()).collect();
    for output in primal.outputs() {
        b.output(output.name.clone(), values[output.val.position()]);
    }
    for &position in &linearised.kept {
        let input = &primal.inputs()[position];
        b.output(names.take(format!("kept.{}", input.name)), values[input.val.position()]);
    }
    b.finish()
}

/// The linear map at one point.
pub struct AtPoint<'a> {
    signature: &'a Graph,
    linear: &'a mut Recycling,
    passes: Option<&'a mut Passes>,
    results: Cow<'a, [Tensor]>,
    fixed: Vec<Held<'a>>,
}

impl AtPoint<'_> {
    /// The values at the point that do not depend on tangents: the first outputs of [`Linearised::primal`].
    #[must_use]
    pub fn results(&self) -> &[Tensor] {
        &self.results
    }

    /// The image of `tangents`, one tensor for each tangent in order; it stands until the next call.
    ///
    /// # Errors
    /// Where the number or the types of the tensors are not those of the tangents.
    pub fn apply(&mut self, tangents: &[&Tensor]) -> Result<&[Tensor], ExecError> {
        let tangents = tangents.iter().map(|&tensor| Placed::Tensor(tensor)).collect();
        self.linear.run(checked(self.signature, &self.fixed, tangents)?)
    }

    /// As [`Self::apply`], with tangents and images where the executor computes.
    ///
    /// # Errors
    /// Where the number or the types of the values are not those of the tangents.
    pub fn apply_placed(&mut self, tangents: Vec<Placed<'_>>) -> Result<Vec<Value>, ExecError> {
        self.linear.run_placed(checked(self.signature, &self.fixed, tangents)?)
    }

    /// The images of each of `tangents`, given in order to `take` with their position. Several are made in one pass where
    /// the linearisation was compiled for that; the last ones alone where they do not fill a pass. The numbers of a pass
    /// of several may differ from those of [`Self::apply`] by rounding.
    ///
    /// # Errors
    /// Where the number or the types of the tensors are not those of the tangents.
    pub fn apply_each(
        &mut self,
        tangents: &[Vec<&Tensor>],
        mut take: impl FnMut(usize, &[Tensor]),
    ) -> Result<(), ExecError> {
        let mut done = 0;
        if let Some(passes) = &mut self.passes {
            done = tangents.len() / passes.size() * passes.size();
            for tangents in &tangents[..done] {
                let tangents = tangents.iter().map(|&tensor| Placed::Tensor(tensor)).collect();
                checked(self.signature, &self.fixed, tangents)?;
            }
            let fixed = self.fixed.iter().filter_map(|fixed| match fixed {
                Held::Tensor(tensor) => Some(*tensor),
                Held::Value(_) => None,
            });
            passes.run(&fixed.collect::<Vec<_>>(), &tangents[..done], &mut take)?;
        }
        for (position, tangents) in tangents.iter().enumerate().skip(done) {
            take(position, self.apply(tangents)?);
        }
        Ok(())
    }
}

/// The arguments of the linear half for one tangent, checked against its signature.
fn checked<'t>(
    signature: &Graph,
    fixed: &'t [Held<'_>],
    tangents: Vec<Placed<'t>>,
) -> Result<Vec<Placed<'t>>, ExecError> {
    let arguments: Vec<Placed<'_>> = fixed.iter().map(Held::placed).chain(tangents).collect();
    check_types(signature, arguments.iter().map(Placed::ty))?;
    Ok(arguments)
}
