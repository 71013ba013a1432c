//! A linearisation made ready to run: once for each point, then once for each tangent.

use graph::{Argument, Builder, Donation, ExecError, Executable, Executor, Graph, Ty, check_arguments};
use tensor::Tensor;

use crate::{Linearised, copy::copied_inputs, fresh::Names};

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
    several: Option<Several>,
}

impl Linearisation {
    /// Prepares both halves.
    ///
    /// # Errors
    /// Where the executor refuses one.
    pub fn compile(executor: &dyn Executor, linearised: Linearised) -> Result<Self, ExecError> {
        let primal = Recycling::compile(executor, &linearised.primal)?;
        let linear = Recycling::compile(executor, &linearised.linear)?;
        Ok(Self { linearised, primal, linear, several: None })
    }

    /// Prepares both halves, and for [`AtPoint::apply_each`] of about `count` tangents also what makes several products
    /// in one pass, where [`Linearised::pass_size`] says that this is worth it.
    ///
    /// # Errors
    /// Where the executor refuses one.
    pub fn compile_for(
        executor: &dyn Executor,
        linearised: Linearised,
        count: usize,
    ) -> Result<Self, ExecError> {
        let size = linearised.pass_size(count);
        let several = (size > 1).then(|| Several::compile(executor, &linearised, size)).transpose()?;
        Ok(Self { several, ..Self::compile(executor, linearised)? })
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
            several: self.several.as_mut(),
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
    several: Option<&'a mut Several>,
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
        if let Some(several) = &mut self.several {
            for pass in tangents.chunks_exact(several.size) {
                for tangents in pass {
                    checked(self.signature, &self.fixed, tangents)?;
                }
                several.run(&self.fixed, pass, |index, images| take(done + index, images))?;
                done += pass.len();
            }
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

/// The linear half for several tangents in one pass.
struct Several {
    size: usize,
    linear: Recycling,
    /// The tangents, with a leading axis.
    stacked: Vec<Tensor>,
}

impl Several {
    fn compile(executor: &dyn Executor, linearised: &Linearised, size: usize) -> Result<Self, ExecError> {
        let graph = linearised.batched(size).linear;
        let tangents = graph.inputs()[linearised.tangents()].iter().map(|input| graph.ty(input.val));
        let stacked = tangents.map(|ty| Tensor::zeros(ty.dtype, ty.shape.clone())).collect();
        Ok(Self { size, linear: Recycling::compile(executor, &graph)?, stacked })
    }

    /// Makes one pass; the tangents have been checked.
    fn run(
        &mut self,
        fixed: &[&Tensor],
        tangents: &[Vec<&Tensor>],
        mut take: impl FnMut(usize, &[Tensor]),
    ) -> Result<(), ExecError> {
        for (index, tangents) in tangents.iter().enumerate() {
            for (stacked, tangent) in self.stacked.iter_mut().zip(tangents) {
                stacked.set_part(index, tangent).expect("tangents have been checked");
            }
        }
        let arguments = fixed.iter().copied().chain(&self.stacked);
        let images = self.linear.run(arguments.map(Argument::Borrowed).collect())?;
        for index in 0..self.size {
            let parts =
                images.iter().map(|image| image.part(index).expect("a pass has an image for each tangent"));
            take(index, &parts.collect::<Vec<_>>());
        }
        Ok(())
    }
}

/// A compiled graph whose results are written where the results of the last run stood.
struct Recycling {
    executable: Box<dyn Executable>,
    types: Vec<Ty>,
    /// The results of the last run; none before the first and after a failed one.
    results: Vec<Tensor>,
}

impl Recycling {
    fn compile(executor: &dyn Executor, graph: &Graph) -> Result<Self, ExecError> {
        let types = graph.outputs().iter().map(|output| graph.ty(output.val).clone()).collect();
        let donations: Vec<Donation> = (0..graph.outputs().len())
            .map(|output| Donation { input: graph.inputs().len() + output, output })
            .collect();
        let executable = executor.compile(&with_spare_inputs(graph), &donations)?;
        Ok(Self { executable, types, results: Vec::new() })
    }

    fn run(&mut self, mut arguments: Vec<Argument<'_>>) -> Result<&[Tensor], ExecError> {
        let mut spare = std::mem::take(&mut self.results);
        if spare.is_empty() {
            spare = self.types.iter().map(|ty| Tensor::zeros(ty.dtype, ty.shape.clone())).collect();
        }
        arguments.extend(spare.into_iter().map(Argument::Donated));
        self.results = self.executable.run(arguments)?;
        Ok(&self.results)
    }
}

/// `graph` with one more input for each output, of its type, that nothing reads: memory to write the output into.
fn with_spare_inputs(graph: &Graph) -> Graph {
    let mut b = Builder::new(graph.name());
    let inputs = copied_inputs(&mut b, graph);
    let mut names: Names = graph.inputs().iter().map(|input| input.name.as_str()).collect();
    for output in graph.outputs() {
        b.data(names.take(format!("memory.{}", output.name)), graph.ty(output.val).clone());
    }
    let values = b.inline(graph, &inputs);
    for output in graph.outputs() {
        b.output(output.name.clone(), values[output.val.position()]);
    }
    b.finish()
}
