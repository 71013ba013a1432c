//! The mean of several networks.

use models::Params;
use tensor::Tensor;

use crate::{MergeError, layout::columns};

/// The mean of the networks, element by element, computed in `f64` in the order given and rounded to `f32` once.
///
/// # Errors
/// Where there is no network, two differ in names, order or shapes of their parameters, or one does not hold
/// `f32`.
pub fn average(networks: &[&Params]) -> Result<Params, MergeError> {
    let columns = columns(networks)?;
    let count = networks.len() as f64;
    let means = columns.iter().zip(networks[0].values()).map(|(column, tensor)| {
        let mean =
            |i: usize| (column.iter().map(|elements| f64::from(elements[i])).sum::<f64>() / count) as f32;
        Tensor::from_fn(tensor.shape().clone(), mean)
    });
    Ok(networks[0].with_values(means.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpolate;

    fn of(elements: [f32; 2]) -> Params {
        Params::from_pairs([("w", Tensor::new([2], elements.to_vec()).unwrap())])
    }

    #[test]
    fn the_mean_is_taken_element_by_element() {
        let (a, b, c) = (of([1.0, -2.0]), of([2.0, 0.0]), of([6.0, 8.0]));
        assert_eq!(average(&[&a, &b, &c]).unwrap(), of([3.0, 2.0]));
        assert_eq!(average(&[&a]).unwrap(), a);
        assert_eq!(average(&[&a, &b]).unwrap(), interpolate(&a, &b, 0.5).unwrap());
    }

    #[test]
    fn large_elements_do_not_overflow() {
        assert_eq!(average(&[&of([f32::MAX; 2]), &of([f32::MAX; 2])]).unwrap(), of([f32::MAX; 2]));
    }

    #[test]
    fn no_networks_and_other_architectures_are_refused() {
        assert_eq!(average(&[]).unwrap_err().to_string(), "cannot average no networks: expected at least 1");
        let other = Params::from_pairs([("v", Tensor::full([2], 1f32))]);
        let error = average(&[&of([0.0; 2]), &of([0.0; 2]), &other]).unwrap_err().to_string();
        assert!(error.starts_with("networks 1 and 3 have different architectures"), "{error}");
    }
}
