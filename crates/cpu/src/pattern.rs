//! How a view of a matrix repeats itself.

use crate::view::{Access, View};

/// Which elements of a matrix a view tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// None: all are the same.
    Uniform,
    /// All; how its row-major positions map to the buffer.
    Full(Access),
    /// Those of different rows only; how the rows map to the buffer.
    Row(Access),
    /// Those of different columns only; how the columns map to the buffer.
    Column(Access),
}

impl View {
    /// The pattern of this view of `rows` by `columns` elements. Where there is one row or one column only, it is
    /// uniform or full.
    pub(crate) fn pattern(&self, (rows, columns): (usize, usize)) -> Pattern {
        if self.access() == Access::Uniform {
            return Pattern::Uniform;
        }
        if rows == 1 || columns == 1 || self.elements() == 0 {
            return Pattern::Full(self.access());
        }
        match split(&self.runs(), columns) {
            Some((outer, inner)) if is_constant(&outer) => Pattern::Column(Access::of_runs(&inner)),
            Some((outer, inner)) if is_constant(&inner) => Pattern::Row(Access::of_runs(&outer)),
            _ => Pattern::Full(self.access()),
        }
    }

    /// Whether row `i` of this matrix is everywhere element `i` of a buffer of `rows` elements.
    pub(crate) fn repeats_rows(&self, rows: usize, columns: usize) -> bool {
        let pattern = self.pattern((rows, columns));
        let one = rows == 1 && pattern == Pattern::Uniform;
        self.elements() == rows * columns
            && self.offset == 0
            && (one || pattern == Pattern::Row(Access::Contiguous))
    }
}

fn is_constant(runs: &[(usize, usize)]) -> bool {
    runs.iter().all(|&(_, stride)| stride == 0)
}

/// Number of steps and elements per step, outermost first.
type Runs = Vec<(usize, usize)>;

/// The runs that pass through rows, and those that pass through the columns of each; `None` where no border between
/// runs or within one is that between rows.
fn split(runs: &[(usize, usize)], columns: usize) -> Option<(Runs, Runs)> {
    let mut outer = runs.to_vec();
    let mut inner = Vec::new();
    let mut covered = 1;
    while covered < columns {
        let (size, stride) = outer.pop()?;
        let wanted = columns / covered;
        if size > wanted {
            let fits = columns.is_multiple_of(covered) && size.is_multiple_of(wanted);
            outer.push(fits.then_some((size / wanted, stride * wanted))?);
        }
        inner.insert(0, (size.min(wanted), stride));
        covered *= size.min(wanted);
    }
    (covered == columns).then_some((outer, inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::BufferId;

    fn view(shape: &[usize], strides: &[usize]) -> View {
        View { buffer: BufferId(0), shape: shape.to_vec(), strides: strides.to_vec(), offset: 0 }
    }

    #[test]
    fn vectors_repeated_along_rows_or_columns_are_found() {
        assert_eq!(view(&[6, 4], &[0, 1]).pattern((6, 4)), Pattern::Column(Access::Contiguous));
        assert_eq!(
            view(&[2, 3, 4], &[0, 0, 2]).pattern((6, 4)),
            Pattern::Column(Access::Strided(vec![(4, 2)]))
        );
        assert_eq!(view(&[6, 4], &[1, 0]).pattern((6, 4)), Pattern::Row(Access::Contiguous));
        assert_eq!(view(&[2, 3, 4], &[3, 1, 0]).pattern((6, 4)), Pattern::Row(Access::Contiguous));
        assert_eq!(view(&[24], &[0]).pattern((6, 4)), Pattern::Uniform);
        assert!(matches!(view(&[4, 6], &[1, 4]).pattern((6, 4)), Pattern::Full(_)));
        assert!(matches!(view(&[4, 6], &[0, 1]).pattern((6, 4)), Pattern::Full(_)));
        assert_eq!(view(&[1, 4], &[0, 1]).pattern((1, 4)), Pattern::Full(Access::Contiguous));
    }

    #[test]
    fn runs_are_split_at_the_border_of_rows() {
        assert_eq!(split(&[(24, 1)], 4), Some((vec![(6, 4)], vec![(4, 1)])));
        assert_eq!(split(&[(3, 0), (2, 8), (4, 1)], 8), Some((vec![(3, 0)], vec![(2, 8), (4, 1)])));
        assert_eq!(split(&[(4, 1), (6, 0)], 8), None);
    }

    #[test]
    fn a_vector_of_rows_is_told_from_a_matrix() {
        assert!(view(&[6, 4], &[1, 0]).repeats_rows(6, 4));
        assert!(view(&[1, 4], &[0, 0]).repeats_rows(1, 4));
        assert!(!view(&[6, 4], &[2, 0]).repeats_rows(6, 4));
        assert!(!view(&[6, 4], &[0, 0]).repeats_rows(6, 4));
    }
}
