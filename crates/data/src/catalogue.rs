//! Where data sets are and how to get them.

/// A data set that must be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Its name in specifications.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Its own page.
    pub page: &'static str,
    /// Commands of a shell that fetch it from its own site into the folder `data/NAME`, check it and unpack it.
    pub commands: &'static [&'static str],
    /// A package of a distribution that holds it, with the folder that it is in.
    pub package: Option<(&'static str, &'static str)>,
    /// Files with their MD5 sums. Of a name that ends in `-ubyte` the sum is that of the unpacked file, as the gzipped ones
    /// differ between sites.
    pub sums: &'static [(&'static str, &'static str)],
}

/// The data sets that must be fetched, with MD5 sums of their publishers or of files read here that agree with them.
pub const SOURCES: [Source; 4] = [
    Source {
        name: "mnist",
        what: "60,000 + 10,000 handwritten digits, 28 × 28 grey (LeCun, Cortes, Burges 1998)",
        page: "http://yann.lecun.com/exdb/mnist/",
        commands: &[
            "mkdir -p data/mnist && cd data/mnist",
            "for f in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do \
             curl -fLO https://ossci-datasets.s3.amazonaws.com/mnist/$f-ubyte.gz && gunzip $f-ubyte.gz; done",
        ],
        package: None,
        sums: &[
            ("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"),
            ("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"),
            ("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"),
            ("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"),
        ],
    },
    Source {
        name: "fashion-mnist",
        what: "60,000 + 10,000 pictures of clothes, 28 × 28 grey (Xiao, Rasul, Vollgraf 2017), MIT licence",
        page: "https://github.com/zalandoresearch/fashion-mnist",
        commands: &[
            "mkdir -p data/fashion-mnist && cd data/fashion-mnist",
            "for f in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do \
             curl -fLO http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/$f-ubyte.gz && gunzip $f-ubyte.gz; done",
        ],
        package: Some((
            "Debian, Ubuntu: apt install dataset-fashion-mnist",
            "/usr/share/datasets/fashion-mnist",
        )),
        sums: &[
            ("train-images-idx3-ubyte", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
            ("train-labels-idx1-ubyte", "9018921c3c673c538a1fc5bad174d6f9"),
            ("t10k-images-idx3-ubyte", "8181f5470baa50b63fa0f6fddb340f0a"),
            ("t10k-labels-idx1-ubyte", "15d484375f8d13e6eb1aabb0c3f46965"),
        ],
    },
    Source {
        name: "cifar10",
        what: "50,000 + 10,000 pictures of 10 classes, 32 × 32 colours (Krizhevsky 2009)",
        page: "https://www.cs.toronto.edu/~kriz/cifar.html",
        commands: &[
            "mkdir -p data/cifar10 && cd data/cifar10",
            "curl -fLO https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "tar xzf cifar-10-binary.tar.gz",
        ],
        package: None,
        sums: &[("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")],
    },
    Source {
        name: "cifar100",
        what: "50,000 + 10,000 pictures of 100 classes, 32 × 32 colours (Krizhevsky 2009)",
        page: "https://www.cs.toronto.edu/~kriz/cifar.html",
        commands: &[
            "mkdir -p data/cifar100 && cd data/cifar100",
            "curl -fLO https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
            "tar xzf cifar-100-binary.tar.gz",
        ],
        package: None,
        sums: &[("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8")],
    },
];

impl Source {
    /// The source of the data set of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.name == name)
    }

    /// A command that checks the files in the folder that [`Source::commands`] end in.
    #[must_use]
    pub fn check(&self) -> String {
        let lines: Vec<String> = self.sums.iter().map(|(file, sum)| format!("{sum}  {file}\\n")).collect();
        format!("printf '{}' | md5sum -c", lines.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_set_that_is_fetched_can_be_loaded() {
        for source in &SOURCES {
            assert!(crate::KNOWN.contains(&&format!("{}:DIR", source.name)[..]), "{}", source.name);
            assert!(source.sums.iter().all(|(_, sum)| sum.len() == 32), "{}", source.name);
        }
        assert!(Source::find("digits").is_none());
    }

    #[test]
    fn checks_are_lines_of_md5sum() {
        assert_eq!(
            Source::find("cifar10").map(Source::check).unwrap_or_default(),
            "printf 'c32a1d4ab5d03f1284b67883e8d87530  cifar-10-binary.tar.gz\\n' | md5sum -c"
        );
    }
}
