//! Specifications: an architecture in one line.

use crate::{
    ModelError,
    gpt::Gpt,
    lstm::Lstm,
    mlp::Mlp,
    model::Network,
    named::{self, Named},
    options::Line,
    resnet::{self, ResNet},
    vgg::{self, Vgg},
};

/// The families of networks there are.
#[derive(Clone, Copy)]
enum Family {
    Mlp,
    ResNet(resnet::Depth),
    Vgg(vgg::Depth),
    Gpt,
    Lstm,
}

impl Named for Family {
    const KIND: &'static str = "architecture";
    const MEMBERS: &'static [Self] = &{
        let (r, v) = (resnet::Depth::ALL, vgg::Depth::ALL);
        [
            Self::Mlp,
            Self::ResNet(r[0]),
            Self::ResNet(r[1]),
            Self::ResNet(r[2]),
            Self::ResNet(r[3]),
            Self::ResNet(r[4]),
            Self::ResNet(r[5]),
            Self::ResNet(r[6]),
            Self::Vgg(v[0]),
            Self::Vgg(v[1]),
            Self::Vgg(v[2]),
            Self::Vgg(v[3]),
            Self::Gpt,
            Self::Lstm,
        ]
    };

    fn name(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::ResNet(depth) => depth.name(),
            Self::Vgg(depth) => depth.name(),
            Self::Gpt => "gpt",
            Self::Lstm => "lstm",
        }
    }
}

impl Family {
    /// A specification of this family.
    const fn example(self) -> &'static str {
        match self {
            Self::Mlp => "mlp:784-512-512-10,act=relu",
            Self::ResNet(_) => "resnet20:width=2,norm=layer",
            Self::Vgg(_) => "vgg16:norm=batch",
            Self::Gpt => "gpt:layers=4,width=128,heads=4,context=128,vocab=96",
            Self::Lstm => "lstm:vocab=96,hidden=256,layers=1,steps=64",
        }
    }

    fn parse(self, line: Line<'_>) -> Result<Network, ModelError> {
        Ok(match self {
            Self::Mlp => Network::Mlp(Mlp::parse(line)?),
            Self::ResNet(depth) => Network::ResNet(ResNet::parse(depth, line)?),
            Self::Vgg(depth) => Network::Vgg(Vgg::parse(depth, line)?),
            Self::Gpt => Network::Gpt(Gpt::parse(line)?),
            Self::Lstm => Network::Lstm(Lstm::parse(line)?),
        })
    }
}

/// Most elements that the parameters of a model may have together: 2^31, 8 GiB in `f32`. Ours, so that a slip
/// in a specification is a message and not an exhausted machine.
const MOST_ELEMENTS: usize = 1 << 31;

/// Reads a specification.
pub(crate) fn parse(spec: &str) -> Result<Network, ModelError> {
    let spec = spec.trim();
    let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
    let family: Family = named::parse(name)?;
    let line = Line { spec, rest, example: family.example() };
    let network = family.parse(line)?;
    match network.architecture().layout().checked_elements() {
        Some(elements) if elements <= MOST_ELEMENTS => Ok(network),
        _ => Err(line.fault(format!("at most {MOST_ELEMENTS} weights"), "more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    fn error(spec: &str) -> String {
        parse(spec).unwrap_err().to_string()
    }

    #[test]
    fn options_at_their_defaults_are_not_printed() {
        let full = "mlp:784-512-512-512-10,act=relu,norm=none,bias=on";
        assert_eq!(Model::parse(full).unwrap().spec(), "mlp:784-512-512-512-10");
        for spec in [
            "mlp:4-2",
            "mlp:4-3-2,act=gelu,norm=layer,bias=off",
            "mlp:4-3-2,act=tanh",
            "resnet20",
            "resnet8:width=0.25,norm=layer,skip=off,shortcut=padding,in=1x8x8,classes=5",
            "resnet110:width=4,norm=none",
            "vgg16",
            "vgg11:width=0.5,norm=batch,in=1x64x32,classes=100",
            "gpt",
            "gpt:layers=2,width=64,heads=2,context=32,vocab=65,positions=rotary,tied=on",
            "lstm",
            "lstm:vocab=65,hidden=32,layers=2,steps=16",
        ] {
            assert_eq!(Model::parse(spec).unwrap().spec(), spec);
        }
        for (full, short) in [
            ("resnet20:", "resnet20"),
            ("resnet20:width=1.0,skip=on,norm=batch,in=3x32x32", "resnet20"),
            ("gpt:tied=off,layers=3", "gpt:layers=3"),
        ] {
            assert_eq!(Model::parse(full).unwrap().spec(), short);
        }
    }

    #[test]
    fn unknown_names_get_a_suggestion() {
        assert!(error("mpl:4-2").contains("no architecture called 'mpl' (did you mean 'mlp'?); known: mlp"));
        assert!(error("mlp:4-2,atc=relu").contains("did you mean 'act'?"));
        assert!(error("mlp:4-2,act=leakyrelu").contains("did you mean 'leaky_relu'?"));
        assert!(error("mlp:4-2,norm=layr").contains("did you mean 'layer'?"));
        assert!(error("mlp:4-2,bias=yes").contains("known: on, off"));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for spec in
            ["mlp:784-0-10", "mlp:784--10", "mlp:", "mlp", "mlp:a-b", "mlp:+4-2", "mlp:4-2-", "mlp:4 -2"]
        {
            assert!(error(spec).contains("layer sizes from 1 up"), "{spec}: {}", error(spec));
        }
        assert!(error("mlp:784").contains("at least the input's and the output's size"));
        assert!(error("mlp:99999999-99999999-10").contains("at most 2147483648 weights"));
        assert!(error("mlp:9223372036854775807-9223372036854775807").contains("at most"));
        assert!(error("mlp:99999999999999999999999-2").contains("layer sizes"));
    }

    #[test]
    fn impossible_options_are_refused() {
        assert!(error("resnet18").contains("did you mean 'resnet"));
        assert!(error("resnet20:depth=3").contains("no option of resnet called 'depth'"));
        for width in ["0", "-1", "0.1", "nan", "inf", "1e9", "x"] {
            let error = error(&format!("resnet20:width={width}"));
            assert!(error.contains("a factor that makes 16 channels a whole number"), "{error}");
        }
        for image in
            ["3x32", "3x32x32x1", "0x32x32", "3x32x-1", "4096x4096x4096", "99999999999x99999999999x99"]
        {
            let error = error(&format!("resnet20:in={image}"));
            assert!(error.contains("channels x rows x columns from 1 up"), "{error}");
        }
        assert!(error("resnet20:width=60000").contains("at most 2147483648 weights"));
        assert!(error("gpt:width=1048576").contains("at most 2147483648 weights"));
        assert!(error("lstm:hidden=0").contains("hidden from 1 to 1048576, found '0'"));
        assert!(error("lstm:hidden=1048577").contains("hidden from 1 to 1048576"));
        assert!(error("gpt:layers=4097").contains("layers from 1 to 4096"));
        assert!(error("lstm:hidden=4,hidden=4").contains("'hidden' twice"));
        assert!(error("gpt:layers").contains("write for example gpt:layers=4,"));
    }

    #[test]
    fn malformed_options_are_refused() {
        assert!(error("mlp:4-2,act").contains("name=value"));
        assert!(error("mlp:4-2,").contains("name=value"));
        assert!(error("mlp:4-2,act=relu,act=tanh").contains("'act' twice"));
    }
}
