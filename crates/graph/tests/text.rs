//! The text form: round trips, faults with their places, and hostile texts.

use isoloss_graph::{Builder, Case, Graph, ParseError, Prim, Problem, Reference, Role, Ty, ops::Direction};
use tensor::{Buffer, DType, Key, Tensor};

const SMALL: &str = r#"graph "small" {
  %0 = input "w" parameter : f32[2, 3]
  %1 = input "x" data : f32[4, 3]
  %2 = dot_general(%1, %0) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [1]} : f32[4, 2]
  %3 = constant() {value = f32[] (0.0)} : f32[]
  %4 = broadcast_in_dim(%3) {shape = [4, 2], axes = []} : f32[4, 2]
  %5 = compare(%2, %4) {direction = gt} : bool[4, 2]
  %6 = iota() {dtype = i32, shape = [4, 2], axis = 1} : i32[4, 2]
  return "positive" = %5
  return "class" = %6
}
"#;

fn small() -> Graph {
    let mut b = Builder::new("small");
    let w = b.parameter("w", Ty::f32([2, 3]));
    let x = b.data("x", Ty::f32([4, 3]));
    let product = b.dot_transposed(x, w);
    let zero = b.splat_like(product, 0.0);
    let positive = b.compare(Direction::Gt, product, zero);
    let class = b.iota(DType::I32, &[4, 2].into(), 1);
    b.output("positive", positive);
    b.output("class", class);
    b.finish()
}

fn of_case(case: &Case) -> Graph {
    let mut b = Builder::new(case.name);
    let operands: Vec<_> =
        case.operands.iter().enumerate().map(|(k, (ty, _))| b.data(k.to_string(), ty.clone())).collect();
    let result = b.apply(case.op.clone(), &operands);
    b.output("result", result);
    b.finish()
}

fn of_constant(tensor: Tensor) -> Graph {
    let mut b = Builder::new("constant");
    let value = b.constant(tensor);
    b.output("value", value);
    b.finish()
}

fn assert_round_trip(graph: &Graph) {
    let text = graph.to_string();
    let parsed = Graph::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(parsed, *graph);
    assert_eq!(parsed.to_string(), text);
}

fn messages(text: &str) -> Vec<String> {
    let error: ParseError = Graph::parse(text).expect_err("the text is faulty");
    error.faults().iter().map(ToString::to_string).collect()
}

#[test]
fn the_text_form_is_as_documented() {
    assert_eq!(small().to_string(), SMALL);
    assert_eq!(Graph::parse(SMALL).unwrap(), small());
}

#[test]
fn every_case_of_every_primitive_round_trips() {
    let cases = Prim::cases();
    for name in Prim::NAMES {
        assert!(cases.iter().any(|case| case.op.name() == *name), "{name} has no case");
    }
    cases.iter().for_each(|case| assert_round_trip(&of_case(case)));
}

#[test]
fn names_with_quotes_controls_and_other_scripts_round_trip() {
    let mut b = Builder::new("a \"graph\" \\ with\nlines\r\tand \u{1b} \u{7f} \u{85}");
    let x = b.input("вход \u{2028} {x} = %0 : f32[2]", Role::State, Ty::f64([]));
    b.output("\\u{41}", x);
    assert_round_trip(&b.finish());
}

#[test]
fn floats_round_trip_bit_by_bit() {
    let bits32 =
        [0, 1, 0x8000_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0x3f80_0001];
    let f32s = bits32.into_iter().chain((0..500).map(|i| Key::new(1).bits(i) as u32));
    let f32s: Vec<f32> = f32s.map(f32::from_bits).collect();
    let bits64 = [0, 1, 1 << 63, 0x7ff0 << 48, 0xfff0 << 48, 0x7ff8 << 48, 0xfff8 << 48, (0x7ff0 << 48) + 1];
    let f64s = bits64.into_iter().chain((0..500).map(|i| Key::new(2).bits(i)));
    let f64s: Vec<f64> = f64s.map(f64::from_bits).collect();
    let x = parsed_constant(Tensor::new([f32s.len()], f32s.clone()).unwrap());
    let Buffer::F32(found) = x.buffer() else { panic!("f32 is expected") };
    assert!(found.iter().zip(&f32s).all(|(found, expected)| found.to_bits() == expected.to_bits()));
    let y = parsed_constant(Tensor::new([f64s.len()], f64s.clone()).unwrap());
    let Buffer::F64(found) = y.buffer() else { panic!("f64 is expected") };
    assert!(found.iter().zip(&f64s).all(|(found, expected)| found.to_bits() == expected.to_bits()));
}

fn parsed_constant(tensor: Tensor) -> Tensor {
    let parsed = Graph::parse(&of_constant(tensor).to_string()).expect("what is printed parses");
    Reference::evaluate(&parsed, &[]).expect("the graph has no inputs").remove(0)
}

#[test]
fn uniform_constants_are_splats() {
    let line = |tensor| of_constant(tensor).to_string().lines().nth(1).unwrap().to_owned();
    assert_eq!(
        line(Tensor::full([2, 3], 1.5f32)),
        "  %0 = constant() {value = f32[2, 3] splat (1.5)} : f32[2, 3]"
    );
    assert_eq!(line(Tensor::full([2], f64::NAN)), "  %0 = constant() {value = f64[2] splat (nan)} : f64[2]");
    assert_eq!(
        line(Tensor::new([2], vec![0.0f32, -0.0]).unwrap()),
        "  %0 = constant() {value = f32[2] (0.0, -0.0)} : f32[2]"
    );
    assert_eq!(line(Tensor::full([0], true)), "  %0 = constant() {value = bool[0] ()} : bool[0]");
    for tensor in [Tensor::full([2, 3], -7i32), Tensor::full([5], true), Tensor::full([0, 3], 1.0f64)] {
        assert_round_trip(&of_constant(tensor));
    }
}

#[test]
fn splats_beyond_the_budget_are_refused() {
    let statement = |elements: usize| {
        let ty = format!("bool[{elements}]");
        format!("graph \"g\" {{\n  %0 = constant() {{value = {ty} splat (true)}} : {ty}\n}}\n")
    };
    assert!(Graph::parse(&statement(1 << 26)).is_ok());
    let error = Graph::parse(&statement((1 << 26) + 1)).unwrap_err();
    assert_eq!(error.faults()[0].problem, Problem::Splat { limit: 1 << 26 });
    assert_eq!((error.faults()[0].line, error.faults()[0].column), (2, 43));
}

#[test]
fn sizes_beyond_the_address_space_are_refused() {
    let huge = "[99999999999, 99999999999]";
    let body = |line: String| format!("graph \"g\" {{\n  %0 = {line}\n}}\n");
    for (line, expected) in [
        (format!("input \"x\" data : f32{huge}"), "(G8)"),
        ("input \"x\" data : f32[0, 99999999999, 99999999999]".to_owned(), "(G8)"),
        (format!("iota() {{dtype = i32, shape = {huge}, axis = 0}} : i32{huge}"), "fits the address space"),
        (format!("constant() {{value = f32{huge} splat (1.0)}} : f32{huge}"), "the splats up to here"),
        (format!("constant() {{value = f32{huge} (1.0)}} : f32{huge}"), "does not have 1 elements"),
    ] {
        let found = messages(&body(line));
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }
    let wide = r#"graph "g" {
  %0 = input "x" data : f64[4294967296]
  %1 = dot_general(%0, %0) {lhs_batch = [], rhs_batch = [], lhs_contract = [], rhs_contract = []} : f64[4294967296, 4294967296]
}"#;
    let found = messages(wide);
    assert!(
        found.len() == 1 && found[0].contains("line 3, column 8: dot_general: a result of type"),
        "{found:?}"
    );
}

#[test]
fn all_faults_of_syntax_are_reported_with_their_places() {
    let text = r#"graph small {
  %0 = input "w" weight : f32[2, 3]
  %1 = input "x : f32[4, 3]
  %2 = tan(%0) : f32[2, 3]
  %2 = add(%0 %1) : f32[2, 3]
  %4 = reduce_sum(%0) {axis = [0]} : f32[3]
  %5 = constant() {value = f32[2] (1.0, one)} : f32[2]
  %6 = constant() {value = f32[2] (1.0)} : f32[2]
  %9 = tanh(%0) : f32[2, 3]
  %8 = tanh(%99999999999) : f16[2]
  nonsense
  return "y" = 3
} and more
trailing
"#;
    let expected = [
        "line 1, column 7: expected a quoted name, found 'small {'",
        "line 2, column 18: expected 'parameter', 'state' or 'data', found 'weight : f32'",
        "line 3, column 28: expected '\"' at the end of the name, found the end of the line",
        "line 4, column 8: there is no primitive called 'tan'",
        "line 5, column 15: expected ',' or ')', found '%1) : f32[2,'",
        "line 6, column 8: reduce_sum: the attribute 'axes' is missing",
        "line 7, column 41: expected an element of type f32, found 'one'",
        "line 8, column 35: a constant of shape [2] does not have 1 elements",
        "line 9, column 3: expected %7, since values are numbered in order; found %9",
        "line 10, column 14: expected the number of a value, found '99999999999)'",
        "line 11, column 3: expected a definition, 'return' or '}', found 'nonsense'",
        "line 12, column 16: expected a value, as '%0', found '3'",
        "line 13, column 3: expected the end of the line, found 'and more'",
        "line 14, column 1: expected nothing after the graph, found 'trailing'",
    ];
    assert_eq!(messages(text), expected);
}

#[test]
fn all_faults_of_the_graph_are_reported_with_their_places() {
    let text = r#"graph "g" {
  %0 = input "x" data : f32[2, 3]
  %1 = input "x" data : f64[3]
  %2 = add(%0, %1) : f32[2, 3]
  %3 = tanh(%0) : f32[2, 4]
  %4 = multiply(%0, %5) : f32[2, 3]
  %5 = reduce_max(%0) {axes = [2]} : f32[2]
  return "" = %3
  return "y" = %9
}
"#;
    let expected = [
        "line 3, column 3: the name \"x\" is taken by input 0 (G7)",
        "line 4, column 8: add: operands must have the same type, found f32[2, 3] and f64[3] (C2); operands: f32[2, 3], f64[3]",
        "line 5, column 19: expected the type f32[2, 3], found f32[2, 4] (G3)",
        "line 6, column 21: operand 1 is %5, which is not defined above (G1)",
        "line 7, column 8: reduce_max: axes [2] must be axes of [2, 3], ascending (C3); operands: f32[2, 3]",
        "line 8, column 10: the name is empty (G6)",
        "line 9, column 16: %9 is not defined (G5)",
    ];
    assert_eq!(messages(text), expected);
}

#[test]
fn faults_of_the_graph_are_reported_beside_lines_that_cannot_be_read() {
    let text = r#"graph "g" {
  %0 = input "x" data : f32[2, 3]
  %1 = tan(%0) : f32[2, 3]
  %2 = add(%0, %1) : f32[2, 3]
  %3 = add(%1, %7) : f32[2, 3]
  %4 = tanh(%2) : f32[3, 2]
  return "y" = %9
  return "z" == %0
}
"#;
    let expected = [
        "line 3, column 8: there is no primitive called 'tan'",
        "line 5, column 16: operand 1 is %7, which is not defined above (G1)",
        "line 6, column 19: expected the type f32[2, 3], found f32[3, 2] (G3)",
        "line 7, column 16: %9 is not defined (G5)",
        "line 8, column 15: expected a value, as '%0', found '= %0'",
    ];
    assert_eq!(messages(text), expected);
}

#[test]
fn unfinished_texts_are_refused() {
    assert_eq!(messages(""), ["line 1, column 1: expected a graph, found the end of the line"]);
    assert_eq!(
        messages("graph \"g\" {\n\n"),
        ["line 2, column 1: expected '}' at the end of the graph, found the end of the line"]
    );
    for end in 0..SMALL.trim_end().len() {
        assert!(Graph::parse(&SMALL[..end]).is_err());
    }
}

/// A text whose statements use every kind of token.
fn rich_text() -> String {
    let mut b = Builder::new("rich \"name\" \\ \u{1b}");
    let x = b.parameter("x.0", Ty::f64([2, 6]));
    let labels = b.data("labels", Ty::i32([2]));
    let weights = b.constant(Tensor::from_fn([6], |i| f64::from_bits(0x7ff0_0000_0000_0000 + i as u64)));
    let shift = b.constant(Tensor::full([2, 6], -1.5e-300));
    let normal = b.layer_norm(x, Some(weights), None, 1e-5);
    let moved = b.add(normal, shift);
    let loss = b.cross_entropy(moved, labels);
    let folded = b.reshape(moved, &[2, 3, 2].into());
    b.output("loss", loss);
    b.output("folded", folded);
    b.finish().to_string()
}

#[test]
fn mutated_texts_never_panic_and_what_parses_round_trips() {
    let text = rich_text();
    let alphabet = b"%={}[]()\",:-+.\\ \n\t0123456789abcdefinputreshapenx\xce\xb1\xff";
    let mut parsed = 0;
    for seed in 0..4000 {
        let key = Key::new(7).fold(seed);
        let mut bytes = text.clone().into_bytes();
        for step in 0..1 + seed % 4 {
            let draw =
                |name: &str, bound: usize| (key.fold(step).child(name).below(0, bound as u64)) as usize;
            let position = draw("position", bytes.len());
            let byte = alphabet[draw("byte", alphabet.len())];
            match draw("kind", 4) {
                0 => bytes[position] = byte,
                1 => bytes.insert(position, byte),
                2 => {
                    bytes.remove(position);
                }
                _ => {
                    let end = (position + draw("length", 40)).min(bytes.len());
                    let piece = bytes[position..end].to_vec();
                    let target = draw("target", bytes.len());
                    bytes.splice(target..target, piece);
                }
            }
        }
        if let Ok(graph) = Graph::parse(&String::from_utf8_lossy(&bytes)) {
            parsed += 1;
            let printed = graph.to_string();
            assert_eq!(Graph::parse(&printed).unwrap().to_string(), printed);
        }
    }
    assert!((40..3000).contains(&parsed), "{parsed} of 4000 texts parsed");
}
