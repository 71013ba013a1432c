//! Parameters that correspond, tensor by tensor.

use models::Params;

use crate::MergeError;

/// The elements of each parameter of each network: `[parameter][network]`, once all are known to correspond.
pub(crate) fn columns<'a>(networks: &[&'a Params]) -> Result<Vec<Vec<&'a [f32]>>, MergeError> {
    let first = networks.first().ok_or(MergeError::Empty)?;
    let mut columns = vec![Vec::with_capacity(networks.len()); first.len()];
    for (index, &params) in networks.iter().enumerate() {
        let network = index + 1;
        check(first, params, network)?;
        for (column, (name, tensor)) in columns.iter_mut().zip(params.iter()) {
            let dtype = |_| MergeError::DType { network, name: name.to_owned(), found: tensor.dtype() };
            column.push(tensor.as_slice().map_err(dtype)?);
        }
    }
    Ok(columns)
}

fn check(first: &Params, params: &Params, network: usize) -> Result<(), MergeError> {
    if !first.names().eq(params.names()) {
        let names = |params: &Params| params.names().map(str::to_owned).collect();
        return Err(MergeError::Names { network, expected: names(first), found: names(params) });
    }
    match first.iter().zip(params.values()).find(|((_, left), right)| left.shape() != right.shape()) {
        None => Ok(()),
        Some(((name, left), right)) => {
            let (name, expected, found) = (name.to_owned(), left.shape().clone(), right.shape().clone());
            Err(MergeError::Shape { network, name, expected, found })
        }
    }
}
