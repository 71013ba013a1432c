//! Matching by what units do on data.

use data::Dataset;
use evaluate::{Moments, activation_moments};
use graph::{Executor, Graph};
use models::{Model, Params};
use tensor::DType;

use crate::{
    Element, Generator, Group, Stage, SymmetryError, activations::activations, assignment,
    assignment::Certificate,
};

/// How alike two units are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Similarity {
    /// Pearson's correlation; 0 for a unit that is dead, which is one without variance. As in Git Re-Basin's code for
    /// convolutional networks, and in REPAIR (Jordan et al. 2022, arXiv:2211.08403).
    #[default]
    Correlation,
    /// The mean product `E[a·b]`, as in Git Re-Basin's code for fully connected networks.
    Uncentred,
}

/// What is compared, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How alike two units are.
    pub similarity: Similarity,
    /// Which values count as activations.
    pub stage: Stage,
}

/// One generator's part of an [`ActivationMatching`].
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// The generator's name.
    pub generator: String,
    /// The number of units of either network.
    pub units: usize,
    /// The values of the network on which its units were compared. Where there are none they stay where they are.
    pub values: usize,
    /// The samples of each unit, over all values.
    pub samples: f64,
    /// The units of A and those of B that are dead, constant over all samples, on every value.
    pub dead: [usize; 2],
    /// The sum over the units of A of their similarity to the units of B that they are matched to, as a mean over the values.
    pub objective: f64,
    /// The same with every unit matched to the one in its place.
    pub identity_objective: f64,
    /// The proof that no permutation has a larger objective, other than by the rounding of similarities to `f32`; `None`
    /// where there are no values.
    pub certificate: Option<Certificate>,
}

/// The result of [`activation_matching`].
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationMatching {
    /// The element `g` for which `g · B` is aligned to A.
    pub element: Element,
    /// The generators that can be exchanged, in order.
    pub classes: Vec<Class>,
}

/// The permutation `g` of `group` for which the units of `g · b` do what those of `a` do on `data`.
///
/// Each generator is one assignment problem of its own, solved exactly, because what a unit does depends on no permutation:
/// activation matching of Git Re-Basin (Ainsworth, Hayase and Srinivasa 2023, section 3.1; Li et al. 2015). Where the units of a
/// generator stand in the graph follows from the same classes of indices as the generator itself; see [`Stage`]. Whatever lies
/// along the other axes of a value is a sample, so that of a convolution every pixel is; a unit that has several indices on
/// the axis is a vector, compared by inner products. A generator with several values, as a residual stream has, takes the
/// mean of their similarities, each value counting equally.
///
/// Both networks run in evaluation. `progress` is told how many of how many examples are done. Equal inputs give equal bits,
/// whatever the number of threads, if the executor's do.
///
/// # Errors
/// Where `group` is not of the model, the parameters are not the model's, the data do not suit it, the executor refuses a
/// graph, or activations are not finite.
pub fn activation_matching(
    executor: &dyn Executor,
    group: &Group,
    model: &Model,
    [a, b]: [&Params; 2],
    data: &Dataset,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<ActivationMatching, SymmetryError> {
    group.check_params(a)?;
    group.check_params(b)?;
    let permuting = group.permutations();
    let of_graph = |graph: &Graph| activations(graph, &permuting, options.stage);
    let counts: Vec<usize> = of_graph(&model.forward(2, DType::F32)).iter().map(Vec::len).collect();
    let units = |graph: &Graph| of_graph(graph).concat();
    let moments = activation_moments(executor, model, [a, b], data, &units, progress)?;
    let mut rest = &moments[..];
    let (mut classes, mut permutations) = (Vec::new(), Vec::new());
    for (generator, count) in permuting.generators().iter().zip(counts) {
        let own;
        (own, rest) = rest.split_at(count);
        let (class, permutation) = solve(generator, own, options.similarity)?;
        classes.push(class);
        permutations.push(permutation);
    }
    Ok(ActivationMatching { element: group.element(group.with_idle(permutations))?, classes })
}

/// Solves one generator's assignment.
fn solve(
    generator: &Generator,
    moments: &[Moments],
    similarity: Similarity,
) -> Result<(Class, Vec<u32>), SymmetryError> {
    let n = generator.size;
    let identity: Vec<u32> = (0..n as u32).collect();
    let mut class = Class {
        generator: generator.name.clone(),
        units: n,
        values: moments.len(),
        samples: moments.iter().map(Moments::samples).sum(),
        dead: [0, 1].map(|network| dead(moments, network)),
        objective: 0.0,
        identity_objective: 0.0,
        certificate: None,
    };
    if moments.is_empty() {
        return Ok((class, identity));
    }
    let gains = mean_similarity(moments, similarity);
    let rounded: Vec<f32> = gains.iter().map(|&gain| gain as f32).collect();
    let failed = |source| SymmetryError::Assignment { generator: generator.name.clone(), source };
    let best = assignment::maximise(&rounded, n, None).map_err(failed)?;
    class.certificate = Some(best.certificate(&rounded).map_err(failed)?);
    let value = |permutation: &[u32]| -> f64 {
        gains.chunks(n).zip(permutation).map(|(row, &slot)| row[slot as usize]).sum()
    };
    (class.objective, class.identity_objective) = (value(&best.row_to_col), value(&identity));
    Ok((class, best.row_to_col))
}

/// How many units of a network are dead on every value.
fn dead(moments: &[Moments], network: usize) -> usize {
    let dead: Vec<Vec<bool>> = moments.iter().map(|moments| moments.dead(network)).collect();
    let units = dead.first().map_or(0, Vec::len);
    (0..units).filter(|&unit| dead.iter().all(|dead| dead[unit])).count()
}

fn mean_similarity(moments: &[Moments], similarity: Similarity) -> Vec<f64> {
    let matrix = |moments: &Moments| match similarity {
        Similarity::Correlation => moments.correlation(),
        Similarity::Uncentred => moments.uncentred(),
    };
    let mut sum = matrix(&moments[0]);
    for further in &moments[1..] {
        sum.iter_mut().zip(matrix(further)).for_each(|(sum, own)| *sum += own);
    }
    sum.iter_mut().for_each(|gain| *gain /= moments.len() as f64);
    sum
}
