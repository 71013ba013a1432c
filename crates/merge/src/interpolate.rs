//! Points on the line through two networks.

use models::Params;
use tensor::Tensor;

use crate::{MergeError, layout::columns};

/// `(1 − lambda)·a + lambda·b`, element by element, computed in `f64` and rounded to `f32` once. At 0 this is `a`
/// and at 1 it is `b`; values outside extrapolate.
///
/// # Errors
/// Where the networks differ in names, order or shapes of their parameters, one does not hold `f32`, or `lambda`
/// is not finite.
pub fn interpolate(a: &Params, b: &Params, lambda: f64) -> Result<Params, MergeError> {
    if !lambda.is_finite() {
        return Err(MergeError::Lambda { lambda });
    }
    let columns = columns(&[a, b])?;
    let blend = |(x, y): (&f32, &f32)| ((1.0 - lambda) * f64::from(*x) + lambda * f64::from(*y)) as f32;
    let blended = columns.iter().zip(a.values()).map(|(column, tensor)| {
        let elements: Vec<f32> = column[0].iter().zip(column[1]).map(blend).collect();
        Tensor::from_fn(tensor.shape().clone(), |i| elements[i])
    });
    Ok(a.with_values(blended.collect()))
}

#[cfg(test)]
mod tests {
    use models::{Init, Model};
    use tensor::Key;

    use super::*;

    fn network(spec: &str, seed: u64) -> Params {
        Model::parse(spec).unwrap().init(Init::PyTorch, Key::new(seed))
    }

    #[test]
    fn the_ends_are_the_networks_themselves() {
        let (a, b) = (network("mlp:4-3-2", 0), network("mlp:4-3-2", 1));
        assert_eq!(interpolate(&a, &b, 0.0).unwrap(), a);
        assert_eq!(interpolate(&a, &b, 1.0).unwrap(), b);
        assert_eq!(interpolate(&a, &a, 0.3).unwrap(), a);
    }

    #[test]
    fn points_between_and_beyond_are_on_the_line() {
        let of = |x: f32| Params::from_pairs([("w", Tensor::full([2], x))]);
        let at = |lambda| interpolate(&of(1.0), &of(5.0), lambda).unwrap();
        assert_eq!([at(0.25), at(0.5), at(2.0), at(-1.0)], [of(2.0), of(3.0), of(9.0), of(-3.0)]);
    }

    #[test]
    fn networks_of_different_architecture_are_refused() {
        let a = network("mlp:4-3-2", 0);
        let error = |b: &Params| interpolate(&a, b, 0.5).unwrap_err().to_string();
        let wider = error(&network("mlp:4-5-2", 0));
        assert!(wider.contains("networks 1 and 2 have different architectures: expected parameter '0.weight' of shape [3, 4], found [5, 4]"), "{wider}");
        let deeper = error(&network("mlp:4-3-3-2", 0));
        assert!(
            deeper.contains("expected parameters 0.weight, 0.bias, 2.weight, 2.bias, found "),
            "{deeper}"
        );
    }

    #[test]
    fn a_position_that_is_not_finite_is_refused() {
        let a = network("mlp:4-2", 0);
        let error = interpolate(&a, &a, f64::NAN).unwrap_err().to_string();
        assert!(error.contains("cannot interpolate at NaN: expected a finite number"), "{error}");
    }

    #[test]
    fn other_element_types_are_refused() {
        let a = Params::from_pairs([("w", Tensor::full([2], 1f32))]);
        let b = Params::from_pairs([("w", Tensor::full([2], 1i32))]);
        let error = interpolate(&a, &b, 0.5).unwrap_err().to_string();
        assert_eq!(error, "parameter 'w' of network 2: expected elements of type f32, found i32");
    }
}
