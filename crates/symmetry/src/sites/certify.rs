//! Testing in numbers that parameters do at a site what is said of them.

use graph::{Builder, Executor, Graph, Val};
use models::Params;
use tensor::{DType, Key, Shape, Tensor};

use super::{Correction, Site, fold};
use crate::{SymmetryError, TOLERANCE, bench::Bench};

/// Those of the sites of a graph at which a change of parameters does what a change of the value would do, and the names of the
/// others: at random parameters and data the network is run with each value corrected by random numbers in the graph, and with the
/// corrections folded into the parameters; the outputs may differ by [`TOLERANCE`]. All sites are tested together, and one by one if
/// that fails.
///
/// # Errors
/// Where a floating-point input of the graph is not `f64`, or the executor refuses a graph.
pub fn certified(
    executor: &dyn Executor,
    graph: &Graph,
    sites: Vec<Site>,
    key: Key,
) -> Result<(Vec<Site>, Vec<String>), SymmetryError> {
    let holds =
        |sites: &[Site]| Ok::<bool, SymmetryError>(difference(executor, graph, sites, key)? <= TOLERANCE);
    if sites.is_empty() || holds(&sites)? {
        return Ok((sites, Vec::new()));
    }
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for site in sites {
        if holds(std::slice::from_ref(&site))? { kept.push(site) } else { refused.push(site.name) }
    }
    if kept.is_empty() || holds(&kept)? {
        return Ok((kept, refused));
    }
    refused.extend(kept.into_iter().map(|site| site.name));
    Ok((Vec::new(), refused))
}

/// How much the outputs differ between corrected values and corrected parameters.
fn difference(
    executor: &dyn Executor,
    graph: &Graph,
    sites: &[Site],
    key: Key,
) -> Result<f64, SymmetryError> {
    let draws = sites.iter().enumerate().map(|(number, site)| {
        let key = key.child("site").child(&number.to_string());
        let scale = (0..site.units()).map(|unit| 0.5 + key.uniform(unit as u64));
        let shift = (0..site.units()).map(|unit| key.child("shift").normal(unit as u64));
        let shift = shift.map(|shift| if site.shifts() { shift } else { 0.0 });
        Correction { scale: scale.collect(), shift: shift.collect() }
    });
    let corrections: Vec<Correction> = draws.collect();
    let corrected = corrected(graph, sites, &corrections);
    let mut bench = Bench::new(executor, &[&corrected, graph], Params::default())?;
    bench.draw(key)?;
    bench.difference(|params| fold(sites, params, &corrections).params)
}

/// The graph in which the value of each site is replaced by its correction.
fn corrected(graph: &Graph, sites: &[Site], corrections: &[Correction]) -> Graph {
    let mut b = Builder::new("corrected");
    let inputs = b.copy_inputs(graph);
    let copies = b.inline_with(graph, &inputs, |b, val, copy| {
        let own = sites.iter().zip(corrections).find(|(site, _)| site.val == val);
        own.map_or(copy, |(site, correction)| correct(b, copy, site, correction))
    });
    for output in graph.outputs() {
        b.output(output.name.clone(), copies[output.val.position()]);
    }
    b.finish()
}

fn correct(b: &mut Builder, value: Val, site: &Site, correction: &Correction) -> Val {
    let (shape, dtype) = (b.shape(value).clone(), b.ty(value).dtype);
    let scale = along(b, site, &shape, dtype, &correction.scale, 1.0);
    let scaled = b.multiply(value, scale);
    let shift = along(b, site, &shape, dtype, &correction.shift, 0.0);
    b.add(scaled, shift)
}

fn along(b: &mut Builder, site: &Site, shape: &Shape, dtype: DType, by_unit: &[f64], rest: f64) -> Val {
    let along = site.along(by_unit, shape, rest);
    let along = b.constant(Tensor::from_fn([along.len()], |at| along[at]).converted(dtype));
    b.broadcast(along, shape, &[site.axis])
}
