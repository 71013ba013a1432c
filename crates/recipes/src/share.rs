//! Shares of a data set: what each of several networks is trained on.

use data::Splits;

use crate::RecipeError;

/// Options that cut a share out of a data set's training part, as `fraction=0.5,split_seed={seed}` or `bias=0.8,part={part}`: `{seed}`
/// stands for the network's seed, `{part}` for its number from 1 up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share<'a>(pub(crate) &'a str);

impl Share<'_> {
    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Option<String> {
        let is_one = !self.0.contains("{seed}") && !self.0.contains("{part}");
        let unknown = self.0.replace("{seed}", "").replace("{part}", "").contains(['{', '}']);
        (is_one || unknown).then(|| {
            format!(
                "needs a share with {{seed}} or {{part}} in it, as 'bias=0.8,part={{part}}', found '{}'",
                self.0
            )
        })
    }

    /// The specification of a network's share; `number` counts from 0.
    pub(crate) fn spec(&self, data: &str, number: usize, seed: u64) -> String {
        let options = self.0.replace("{seed}", &seed.to_string());
        data::with_options(data, &options.replace("{part}", &(number + 1).to_string()))
    }
}

/// A share by its specification, read as the whole is.
pub(crate) fn load(spec: &str, whole: &Splits) -> Result<Splits, RecipeError> {
    Ok(data::load(spec)?.read_as(&whole.input())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_each_network_s_own() {
        let share = Share("bias=0.8,part={part},split_seed={seed}");
        assert_eq!(share.fault(), None);
        assert_eq!(share.spec("digits", 1, 7), "digits:bias=0.8,part=2,split_seed=7");
        assert_eq!(
            Share("fraction=0.5,split_seed={seed}").spec("mnist:m", 0, 3),
            "mnist:m,fraction=0.5,split_seed=3"
        );
        for bad in ["", "fraction=0.5", "part={part},seed={sed}", "part={part"] {
            assert!(Share(bad).fault().is_some(), "{bad}");
        }
    }

    #[test]
    fn shares_are_read_as_the_whole_is() {
        let whole = data::load("digits:normalize=on").unwrap();
        let spec = Share("bias=0.9,part={part}").spec(&whole.spec, 0, 0);
        let share = load(&spec, &whole).unwrap();
        assert_eq!(share.input(), whole.input());
        assert_eq!(share.test, whole.test, "the same examples, normalised alike");
        assert!(data::load(&spec).unwrap().input() != whole.input(), "which it would not be by itself");
    }
}
