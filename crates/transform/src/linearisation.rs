//! A linearisation made ready to run: once for each point, then once for each tangent.

use graph::{Argument, ExecError, Executor, Graph, check_arguments};
use tensor::Tensor;

use crate::{Linearised, passes::Passes, recycling::Recycling};

/// Both halves of a [`Linearised`], compiled. The memory of residuals and results is used again from one run to the
/// next.
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
}

impl Linearisation {
    /// Prepares both halves.
    ///
    /// # Errors
    /// Where the executor refuses one.
    pub fn compile(executor: &dyn Executor, linearised: Linearised) -> Result<Self, ExecError> {
        let primal = Recycling::compile(executor, &linearised.primal)?;
        let linear = Recycling::compile(executor, &linearised.linear)?;
        Ok(Self { linearised, primal, linear, passes: None })
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
        let arguments: Vec<Argument<'_>> = point.iter().map(|&tensor| Argument::Borrowed(tensor)).collect();
        check_arguments(&self.linearised.primal, &arguments)?;
        let outputs = self.primal.run(arguments)?;
        let kept = self.linearised.kept.iter().map(|&position| point[position]);
        let residuals = self.linearised.residuals.iter().map(|&position| &outputs[position]);
        Ok(AtPoint {
            signature: &self.linearised.linear,
            linear: &mut self.linear,
            passes: self.passes.as_mut(),
            results: &outputs[..self.linearised.results],
            fixed: kept.chain(residuals).collect(),
        })
    }

    /// Bytes of working memory of the two halves beyond arguments, results and residuals.
    #[must_use]
    pub fn workspace_bytes(&self) -> usize {
        self.primal.executable.workspace_bytes() + self.linear.executable.workspace_bytes()
    }
}

/// The linear map at one point.
pub struct AtPoint<'a> {
    signature: &'a Graph,
    linear: &'a mut Recycling,
    passes: Option<&'a mut Passes>,
    results: &'a [Tensor],
    fixed: Vec<&'a Tensor>,
}

impl AtPoint<'_> {
    /// The values at the point that do not depend on tangents: the first outputs of [`Linearised::primal`].
    #[must_use]
    pub const fn results(&self) -> &[Tensor] {
        self.results
    }

    /// The image of `tangents`, one tensor for each tangent in order; it stands until the next call.
    ///
    /// # Errors
    /// Where the number or the types of the tensors are not those of the tangents.
    pub fn apply(&mut self, tangents: &[&Tensor]) -> Result<&[Tensor], ExecError> {
        let arguments = checked(self.signature, &self.fixed, tangents)?;
        self.linear.run(arguments)
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
                checked(self.signature, &self.fixed, tangents)?;
            }
            passes.run(&self.fixed, &tangents[..done], &mut take)?;
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
    fixed: &[&'t Tensor],
    tangents: &[&'t Tensor],
) -> Result<Vec<Argument<'t>>, ExecError> {
    let arguments: Vec<Argument<'_>> =
        fixed.iter().chain(tangents).map(|&tensor| Argument::Borrowed(tensor)).collect();
    check_arguments(signature, &arguments)?;
    Ok(arguments)
}
