use graph::{Builder, Donation, Ty};

use super::*;

#[test]
fn a_graph_is_a_module_whose_donations_are_aliases() {
    let mut b = Builder::new("update");
    let x = b.data("x", Ty::f32([2]));
    let y = b.data("y", Ty::f32([2]));
    let sum = b.add(x, y);
    b.output("sum", sum);
    let graph = b.finish();
    let text = stablehlo(&graph, &[Donation { input: 1, output: 0 }], Precision::Exact);
    let expected = "module @graph {
  func.func public @main(%arg0: tensor<2xf32>, %arg1: tensor<2xf32> {tf.aliasing_output = 0 : i32}) -> (tensor<2xf32>) {
    %0 = \"stablehlo.add\"(%arg0, %arg1) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    \"func.return\"(%0) : (tensor<2xf32>) -> ()
  }
}
";
    assert_eq!(text, expected);
}
