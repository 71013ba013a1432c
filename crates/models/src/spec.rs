//! Specifications: an architecture in one line.

use std::path::Path;

use crate::{
    ModelError,
    families::{
        bert::Bert,
        convnet::ConvNet,
        gcn::Gcn,
        gpt::Gpt,
        imagenet::ImageNet,
        llama::Llama,
        mlp::Mlp,
        recurrent::{Cell, Recurrent},
        resnet::ResNet,
        unet::Unet,
        vgg::Vgg,
        vit::Vit,
    },
    imported::{self, Imported, is_onnx},
    line::Line,
    model::Network,
};

/// A family of networks.
pub(crate) struct Family {
    /// The names in specifications, with the number that each stands for where there are several.
    pub(crate) names: &'static [(&'static str, usize)],
    /// A specification.
    pub(crate) example: &'static str,
    /// What the networks are.
    pub(crate) about: &'static str,
    /// Whose names the parameters have.
    pub(crate) parameters: &'static str,
    /// Where the networks come from.
    pub(crate) source: &'static str,
    read: fn(usize, Line<'_>) -> Result<Network, ModelError>,
}

/// The families of networks there are.
pub(crate) const FAMILIES: &[Family] = &[
    Family {
        names: &[("mlp", 0)],
        example: "mlp:784-512-512-10,act=relu",
        about: "fully connected; the sizes are those of the input, the hidden layers and the logits",
        parameters: "`nn.Sequential`, in which normalisations and activations take a number too",
        source: "",
        read: |_, line| Ok(Network::Mlp(Mlp::parse(line)?)),
    },
    Family {
        names: &[("convnet", 0)],
        example: "convnet:32-32-32,norm=batch",
        about: "plain convolutions with these channels, and a linear layer or two",
        parameters: "`nn.Sequential`, in which every module takes a number",
        source: "",
        read: |_, line| Ok(Network::ConvNet(ConvNet::parse(line)?)),
    },
    Family {
        names: &[
            ("resnet8", 8),
            ("resnet14", 14),
            ("resnet20", 20),
            ("resnet32", 32),
            ("resnet44", 44),
            ("resnet56", 56),
            ("resnet110", 110),
        ],
        example: "resnet20:width=2,norm=layer",
        about: "residual networks for small images; `norm=layer,shortcut=projection3x3,padding=same,eps=1e-6` are those of Git Re-Basin",
        parameters: "the widespread CIFAR networks (`layer1.0.conv1.weight`); normalisations are called `bn` whatever they are",
        source: "arXiv:1512.03385, section 4.2",
        read: |depth, line| Ok(Network::ResNet(ResNet::parse(depth, line)?)),
    },
    Family {
        names: &[
            ("preresnet8", 8),
            ("preresnet14", 14),
            ("preresnet20", 20),
            ("preresnet32", 32),
            ("preresnet44", 44),
            ("preresnet56", 56),
            ("preresnet110", 110),
        ],
        example: "preresnet20:width=2,norm=layer",
        about: "residual networks for small images, normalised and activated before each convolution",
        parameters: "as `resnet20`, with a normalisation `bn` behind the last block",
        source: "arXiv:1603.05027",
        read: |depth, line| Ok(Network::ResNet(ResNet::parse_preactivated(depth, line)?)),
    },
    Family {
        names: &[
            ("resnet18", 18),
            ("resnet34", 34),
            ("resnet50", 50),
            ("resnet101", 101),
            ("resnet152", 152),
        ],
        example: "resnet18:stem=cifar,in=3x32x32,classes=10",
        about: "residual networks for large images; `stem=cifar` leaves small ones their size",
        parameters: "torchvision",
        source: "arXiv:1512.03385, table 1",
        read: |depth, line| Ok(Network::ImageNet(ImageNet::parse(depth, line)?)),
    },
    Family {
        names: &[("vgg11", 11), ("vgg13", 13), ("vgg16", 16), ("vgg19", 19)],
        example: "vgg16:norm=batch",
        about: "VGG networks for small images; `vgg16:norm=layer,head=mlp,eps=1e-6` is that of Git Re-Basin",
        parameters: "`features` is an `nn.Sequential`; `classifier` a linear layer, or with `head=mlp` an `nn.Sequential`",
        source: "arXiv:1409.1556, table 1",
        read: |depth, line| Ok(Network::Vgg(Vgg::parse(depth, line)?)),
    },
    Family {
        names: &[("unet", 0)],
        example: "unet:width=0.25,in=3x64x64,classes=2",
        about: "a class of each pixel",
        parameters: "`milesial/Pytorch-UNet`, with transposed convolutions",
        source: "arXiv:1505.04597",
        read: |_, line| Ok(Network::Unet(Unet::parse(line)?)),
    },
    Family {
        names: &[("vit", 0)],
        example: "vit:layers=6,width=256,heads=8,hidden=512,patch=4",
        about: "a vision transformer",
        parameters: "timm, or with `names=transformers` Hugging Face's `ViTForImageClassification`",
        source: "arXiv:2010.11929",
        read: |_, line| Ok(Network::Vit(Vit::parse(line)?)),
    },
    Family {
        names: &[("gpt", 0)],
        example: "gpt:layers=4,width=128,heads=4,context=128,vocab=96",
        about: "a causal transformer over tokens; `act=gelu_tanh,tied=on,matrices=conv1d` is GPT-2",
        parameters: "nanoGPT, which are those of Hugging Face's `GPT2LMHeadModel`; `matrices=conv1d` has its layouts",
        source: "Radford and others 2019",
        read: |_, line| Ok(Network::Gpt(Gpt::parse(line)?)),
    },
    Family {
        names: &[("llama", 0)],
        example: "llama:layers=4,width=128,heads=4,key_heads=2,hidden=384",
        about: "a causal transformer with rotary positions, grouped queries and gated layers; Llama, Mistral, Qwen2",
        parameters: "Hugging Face's `LlamaForCausalLM`",
        source: "arXiv:2302.13971",
        read: |_, line| Ok(Network::Llama(Llama::parse(line)?)),
    },
    Family {
        names: &[("bert", 0)],
        example: "bert:layers=4,width=128,heads=4,context=128,vocab=96",
        about: "a bidirectional transformer over tokens, one segment without padding",
        parameters: "Hugging Face's `BertForMaskedLM`, `BertForSequenceClassification`, `BertForTokenClassification`",
        source: "arXiv:1810.04805",
        read: |_, line| Ok(Network::Bert(Bert::parse(line)?)),
    },
    Family {
        names: &[("lstm", 0)],
        example: "lstm:vocab=96,hidden=256,layers=1,steps=64",
        about: "long short-term memory over tokens",
        parameters: "PyTorch's `word_language_model`",
        source: "Hochreiter and Schmidhuber 1997",
        read: |_, line| Ok(Network::Recurrent(Recurrent::parse(Cell::Lstm, line)?)),
    },
    Family {
        names: &[("gru", 0)],
        example: "gru:vocab=96,hidden=256,layers=1,steps=64",
        about: "gated recurrent units over tokens",
        parameters: "PyTorch's `word_language_model`",
        source: "arXiv:1406.1078",
        read: |_, line| Ok(Network::Recurrent(Recurrent::parse(Cell::Gru, line)?)),
    },
    Family {
        names: &[("gcn", 0)],
        example: "gcn:1433-16-7,nodes=2708",
        about: "a class of each node of a graph with a dense adjacency matrix; the sizes are features of a node",
        parameters: "PyTorch Geometric's `GCNConv` layers `conv1`, `conv2`, …",
        source: "arXiv:1609.02907",
        read: |_, line| Ok(Network::Gcn(Gcn::parse(line)?)),
    },
];

/// The family that a name belongs to, and the number that the name stands for.
fn find(name: &str) -> Result<(&'static Family, usize), ModelError> {
    let names = FAMILIES.iter().flat_map(|family| family.names.iter().map(move |entry| (family, entry)));
    let found = names.clone().find(|(_, entry)| entry.0 == name);
    found.map(|(family, entry)| (family, entry.1)).ok_or_else(|| {
        let known = names.map(|(_, entry)| entry.0).collect();
        ModelError::Unknown { what: "architecture", found: name.to_owned(), known }
    })
}

/// Most elements that the parameters of a model may have together: 2^31, 8 GiB in `f32`. Ours, so that a slip
/// in a specification is a message and not an exhausted machine.
const MOST_ELEMENTS: usize = 1 << 31;

/// The file of a specification that names one.
fn onnx_file(spec: &str) -> Option<&str> {
    spec.strip_prefix(imported::PREFIX).or_else(|| is_onnx(Path::new(spec)).then_some(spec))
}

/// Reads a specification.
pub(crate) fn parse(spec: &str) -> Result<Network, ModelError> {
    let spec = spec.trim();
    if let Some(file) = onnx_file(spec) {
        return Ok(Network::Imported(Imported::with_weights(file)?));
    }
    let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
    let (family, number) = find(name)?;
    let line = Line { spec, rest, example: family.example };
    let network = (family.read)(number, line)?;
    match network.architecture().layout().checked_elements() {
        Some(elements) if elements <= MOST_ELEMENTS => Ok(network),
        _ => Err(line.fault(format!("at most {MOST_ELEMENTS} weights"), "more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    #[test]
    fn every_example_is_a_model() {
        for family in FAMILIES {
            assert!(Model::parse(family.example).is_ok(), "{}", family.example);
        }
    }

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
            "gru:hidden=32",
            "resnet20:norm=layer,shortcut=projection3x3,padding=same,eps=1e-6",
            "preresnet20:act=gelu",
            "resnet50:stem=cifar,norm=group,in=3x64x64,classes=10",
            "vgg16:norm=layer,act=silu,head=mlp,eps=1e-6",
            "convnet:8-16,kernel=5,pool=stride,end=mean,dense=32,act=tanh,norm=instance,in=1x28x28",
            "vit:layers=2,patch=8,eps=1e-12,names=transformers",
            "llama:depth=64,base=5e5",
            "bert:head=token,classes=5",
            "gcn:4-3,nodes=5,act=tanh",
            "unet:width=0.125,levels=2,norm=none",
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
        assert!(error("resnet19").contains("did you mean 'resnet"));
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
