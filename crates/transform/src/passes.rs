//! The linear half for several tangents in one pass, and passes side by side.

use graph::{ExecError, Executor, Placed};
use tensor::{Tensor, parallel};

use crate::{Linearised, recycling::Recycling};

/// Passes of equal size, as many as run at a time.
pub(crate) struct Passes {
    size: usize,
    passes: Vec<Pass>,
}

impl Passes {
    /// For about `count` tangents; `None` where each is better made alone, as on a device, which is not shared by threads.
    pub(crate) fn compile(
        executor: &dyn Executor,
        linearised: &Linearised,
        count: usize,
    ) -> Result<Option<Self>, ExecError> {
        let size = linearised.pass_size(count);
        if size < 2 || executor.is_remote() {
            return Ok(None);
        }
        let batched = linearised.batched(size);
        let at_a_time = parallel::threads().clamp(1, count.div_ceil(size));
        let passes = (0..at_a_time).map(|_| Pass::compile(executor, &batched)).collect::<Result<_, _>>()?;
        Ok(Some(Self { size, passes }))
    }

    /// Tangents of a pass.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Gives `take` the images of `tangents` in order, each with its position. The tangents have been checked and fill
    /// their passes.
    pub(crate) fn run(
        &mut self,
        fixed: &[&Tensor],
        tangents: &[Vec<&Tensor>],
        mut take: impl FnMut(usize, &[Tensor]),
    ) -> Result<(), ExecError> {
        let mut done = 0;
        for tangents in tangents.chunks(self.size * self.passes.len()) {
            let passes = &mut self.passes[..tangents.len() / self.size];
            parallel::for_each_chunk(passes, 1, |index, passes| {
                for pass in passes {
                    pass.run(fixed, &tangents[index * self.size..][..self.size]);
                }
            });
            for pass in passes {
                for images in std::mem::replace(&mut pass.images, Ok(Vec::new()))? {
                    take(done, &images);
                    done += 1;
                }
            }
        }
        Ok(())
    }
}

/// One pass.
struct Pass {
    linear: Recycling,
    /// The tangents, with a leading axis.
    stacked: Vec<Tensor>,
    /// The image of each tangent of the last run, until it is taken.
    images: Result<Vec<Vec<Tensor>>, ExecError>,
}

impl Pass {
    fn compile(executor: &dyn Executor, batched: &Linearised) -> Result<Self, ExecError> {
        let graph = &batched.linear;
        let tangents = graph.inputs()[batched.tangents()].iter().map(|input| graph.ty(input.val));
        let stacked = tangents.map(|ty| Tensor::zeros(ty.dtype, ty.shape.clone())).collect();
        Ok(Self { linear: Recycling::compile(executor, graph)?, stacked, images: Ok(Vec::new()) })
    }

    fn run(&mut self, fixed: &[&Tensor], tangents: &[Vec<&Tensor>]) {
        for (index, tangents) in tangents.iter().enumerate() {
            for (stacked, tangent) in self.stacked.iter_mut().zip(tangents) {
                stacked.set_part(index, tangent).expect("tangents have been checked");
            }
        }
        let arguments = fixed.iter().copied().chain(&self.stacked);
        let images = self.linear.run(arguments.map(Placed::Tensor).collect());
        self.images = images.map(|images| (0..tangents.len()).map(|index| parts(images, index)).collect());
    }
}

fn parts(images: &[Tensor], index: usize) -> Vec<Tensor> {
    images.iter().map(|image| image.part(index).expect("a pass has an image for each tangent")).collect()
}
