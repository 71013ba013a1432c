// abs: abs
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.abs"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// add: add matrices
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.add"(%arg0, %arg1) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// and: and of truth values
module @graph {
  func.func public @main(%arg0: tensor<3x2xi1>, %arg1: tensor<3x2xi1>) -> (tensor<3x2xi1>) {
    %0 = "stablehlo.and"(%arg0, %arg1) : (tensor<3x2xi1>, tensor<3x2xi1>) -> tensor<3x2xi1>
    "func.return"(%0) : (tensor<3x2xi1>) -> ()
  }
}

// broadcast_in_dim: broadcast a scalar
module @graph {
  func.func public @main(%arg0: tensor<f64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.broadcast_in_dim"(%arg0) <{broadcast_dimensions = array<i64>}> : (tensor<f64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// cholesky: factor of a number
module @graph {
  func.func public @main(%arg0: tensor<1x1xf64>) -> (tensor<1x1xf64>) {
    %0 = "stablehlo.cholesky"(%arg0) <{lower = true}> : (tensor<1x1xf64>) -> tensor<1x1xf64>
    %1 = "stablehlo.iota"() <{iota_dimension = 0 : i64}> : () -> tensor<1x1xi32>
    %2 = "stablehlo.iota"() <{iota_dimension = 1 : i64}> : () -> tensor<1x1xi32>
    %3 = "stablehlo.compare"(%1, %2) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<1x1xi32>, tensor<1x1xi32>) -> tensor<1x1xi1>
    %4 = "stablehlo.constant"() <{value = dense<0.0> : tensor<1x1xf64>}> : () -> tensor<1x1xf64>
    %5 = "stablehlo.select"(%3, %0, %4) : (tensor<1x1xi1>, tensor<1x1xf64>, tensor<1x1xf64>) -> tensor<1x1xf64>
    %6 = "stablehlo.constant"() <{value = dense<0.0> : tensor<1x1xf64>}> : () -> tensor<1x1xf64>
    %7 = "stablehlo.compare"(%5, %6) <{comparison_direction = #stablehlo<comparison_direction GT>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<1x1xf64>, tensor<1x1xf64>) -> tensor<1x1xi1>
    %8 = "stablehlo.compare"(%1, %2) <{comparison_direction = #stablehlo<comparison_direction NE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<1x1xi32>, tensor<1x1xi32>) -> tensor<1x1xi1>
    %9 = "stablehlo.or"(%7, %8) : (tensor<1x1xi1>, tensor<1x1xi1>) -> tensor<1x1xi1>
    %10 = "stablehlo.constant"() <{value = dense<true> : tensor<i1>}> : () -> tensor<i1>
    %14 = "stablehlo.reduce"(%9, %10) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%11: tensor<i1>, %12: tensor<i1>):
    %13 = "stablehlo.and"(%11, %12) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    "stablehlo.return"(%13) : (tensor<i1>) -> ()
    }) : (tensor<1x1xi1>, tensor<i1>) -> tensor<i1>
    %15 = "stablehlo.broadcast_in_dim"(%14) <{broadcast_dimensions = array<i64>}> : (tensor<i1>) -> tensor<1x1xi1>
    %16 = "stablehlo.constant"() <{value = dense<0x7FF8000000000000> : tensor<1x1xf64>}> : () -> tensor<1x1xf64>
    %17 = "stablehlo.select"(%15, %5, %16) : (tensor<1x1xi1>, tensor<1x1xf64>, tensor<1x1xf64>) -> tensor<1x1xf64>
    "func.return"(%17) : (tensor<1x1xf64>) -> ()
  }
}

// compare: eq
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<2x3xf64>) -> (tensor<2x3xi1>) {
    %0 = "stablehlo.compare"(%arg0, %arg1) <{comparison_direction = #stablehlo<comparison_direction EQ>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xi1>
    "func.return"(%0) : (tensor<2x3xi1>) -> ()
  }
}

// concatenate: concatenate rows
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<1x3xf64>, %arg2: tensor<2x3xf64>) -> (tensor<5x3xf64>) {
    %0 = "stablehlo.concatenate"(%arg0, %arg1, %arg2) <{dimension = 0 : i64}> : (tensor<2x3xf64>, tensor<1x3xf64>, tensor<2x3xf64>) -> tensor<5x3xf64>
    "func.return"(%0) : (tensor<5x3xf64>) -> ()
  }
}

// constant: constant
module @graph {
  func.func public @main() -> (tensor<2x3xf64>) {
    %0 = "stablehlo.constant"() <{value = dense<"0x000000000000F8BF000000000000E0BF000000000000E03F000000000000F83F00000000000004400000000000000C40"> : tensor<2x3xf64>}> : () -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// convert: convert f64 to f64
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.convert"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// convolution: convolution
module @graph {
  func.func public @main(%arg0: tensor<2x3x4x2xf64>, %arg1: tensor<3x2x3x3xf64>) -> (tensor<2x3x4x3xf64>) {
    %0 = "stablehlo.convolution"(%arg0, %arg1) <{window_strides = array<i64: 1, 1>, padding = dense<[[1, 1], [1, 1]]> : tensor<2x2xi64>, lhs_dilation = array<i64: 1, 1>, rhs_dilation = array<i64: 1, 1>, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f]>, feature_group_count = 1 : i64, batch_group_count = 1 : i64, precision_config = [#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]}> : (tensor<2x3x4x2xf64>, tensor<3x2x3x3xf64>) -> tensor<2x3x4x3xf64>
    "func.return"(%0) : (tensor<2x3x4x3xf64>) -> ()
  }
}

// cos: cos
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.cosine"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// divide: divide
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.divide"(%arg0, %arg1) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// dot_general: matrix product
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<3x4xf64>) -> (tensor<2x4xf64>) {
    %0 = "stablehlo.dot_general"(%arg0, %arg1) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [], rhs_batching_dimensions = [], lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>, precision_config = [#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]}> : (tensor<2x3xf64>, tensor<3x4xf64>) -> tensor<2x4xf64>
    "func.return"(%0) : (tensor<2x4xf64>) -> ()
  }
}

// erf: erf
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "chlo.erf"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// exp: exp
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.exponential"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// gather: gather rows
module @graph {
  func.func public @main(%arg0: tensor<5x3xf64>, %arg1: tensor<2x2xi32>) -> (tensor<2x2x3xf64>) {
    %0 = "stablehlo.gather"(%arg0, %arg1) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], operand_batching_dims = [], start_indices_batching_dims = [], start_index_map = [0], index_vector_dim = 2>, slice_sizes = array<i64: 1, 3>, indices_are_sorted = false}> : (tensor<5x3xf64>, tensor<2x2xi32>) -> tensor<2x2x3xf64>
    %1 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2xi32>}> : () -> tensor<2x2xi32>
    %2 = "stablehlo.constant"() <{value = dense<5> : tensor<2x2xi32>}> : () -> tensor<2x2xi32>
    %3 = "stablehlo.compare"(%arg1, %1) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2xi32>, tensor<2x2xi32>) -> tensor<2x2xi1>
    %4 = "stablehlo.compare"(%arg1, %2) <{comparison_direction = #stablehlo<comparison_direction LT>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2xi32>, tensor<2x2xi32>) -> tensor<2x2xi1>
    %5 = "stablehlo.and"(%3, %4) : (tensor<2x2xi1>, tensor<2x2xi1>) -> tensor<2x2xi1>
    %6 = "stablehlo.broadcast_in_dim"(%5) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<2x2xi1>) -> tensor<2x2x3xi1>
    %7 = "stablehlo.constant"() <{value = dense<0.0> : tensor<2x2x3xf64>}> : () -> tensor<2x2x3xf64>
    %8 = "stablehlo.select"(%6, %0, %7) : (tensor<2x2x3xi1>, tensor<2x2x3xf64>, tensor<2x2x3xf64>) -> tensor<2x2x3xf64>
    "func.return"(%8) : (tensor<2x2x3xf64>) -> ()
  }
}

// iota: iota of f64 along rows
module @graph {
  func.func public @main() -> (tensor<2x3xf64>) {
    %0 = "stablehlo.iota"() <{iota_dimension = 0 : i64}> : () -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// log: log
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.log"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// log1p: log1p
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.log_plus_one"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// logistic: logistic
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.logistic"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// maximum: maximum
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.maximum"(%arg0, %arg1) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// minimum: minimum
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.minimum"(%arg0, %arg1) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// multiply: multiply matrices
module @graph {
  func.func public @main(%arg0: tensor<3x2xf64>, %arg1: tensor<3x2xf64>) -> (tensor<3x2xf64>) {
    %0 = "stablehlo.multiply"(%arg0, %arg1) : (tensor<3x2xf64>, tensor<3x2xf64>) -> tensor<3x2xf64>
    "func.return"(%0) : (tensor<3x2xf64>) -> ()
  }
}

// negate: negate
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.negate"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// not: not of truth values
module @graph {
  func.func public @main(%arg0: tensor<3x2xi1>) -> (tensor<3x2xi1>) {
    %0 = "stablehlo.not"(%arg0) : (tensor<3x2xi1>) -> tensor<3x2xi1>
    "func.return"(%0) : (tensor<3x2xi1>) -> ()
  }
}

// or: or of truth values
module @graph {
  func.func public @main(%arg0: tensor<3x2xi1>, %arg1: tensor<3x2xi1>) -> (tensor<3x2xi1>) {
    %0 = "stablehlo.or"(%arg0, %arg1) : (tensor<3x2xi1>, tensor<3x2xi1>) -> tensor<3x2xi1>
    "func.return"(%0) : (tensor<3x2xi1>) -> ()
  }
}

// pad: pad around
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<5x4xf64>) {
    %0 = "stablehlo.constant"() <{value = dense<0.0> : tensor<f64>}> : () -> tensor<f64>
    %1 = "stablehlo.pad"(%arg0, %0) <{edge_padding_low = array<i64: 1, 0>, edge_padding_high = array<i64: 2, 1>, interior_padding = array<i64: 0, 0>}> : (tensor<2x3xf64>, tensor<f64>) -> tensor<5x4xf64>
    "func.return"(%1) : (tensor<5x4xf64>) -> ()
  }
}

// power: power
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.power"(%arg0, %arg1) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// random_bits: random_bits of a matrix
module @graph {
  func.func public @main(%arg0: tensor<2xi32>, %arg1: tensor<i32>) -> (tensor<3x5xi32>) {
    %0 = "stablehlo.bitcast_convert"(%arg1) : (tensor<i32>) -> tensor<ui32>
    %1 = "stablehlo.iota"() <{iota_dimension = 0 : i64}> : () -> tensor<4xui32>
    %2 = "stablehlo.constant"() <{value = dense<0> : tensor<4xui32>}> : () -> tensor<4xui32>
    %3 = "stablehlo.broadcast_in_dim"(%0) <{broadcast_dimensions = array<i64>}> : (tensor<ui32>) -> tensor<4xui32>
    %4 = "stablehlo.constant"() <{value = dense<2> : tensor<4xui32>}> : () -> tensor<4xui32>
    %5 = "stablehlo.slice"(%arg0) <{start_indices = array<i64: 0>, limit_indices = array<i64: 1>, strides = array<i64: 1>}> : (tensor<2xi32>) -> tensor<1xi32>
    %6 = "stablehlo.bitcast_convert"(%5) : (tensor<1xi32>) -> tensor<1xui32>
    %7 = "stablehlo.reshape"(%6) : (tensor<1xui32>) -> tensor<ui32>
    %8 = "stablehlo.broadcast_in_dim"(%7) <{broadcast_dimensions = array<i64>}> : (tensor<ui32>) -> tensor<4xui32>
    %9 = "stablehlo.slice"(%arg0) <{start_indices = array<i64: 1>, limit_indices = array<i64: 2>, strides = array<i64: 1>}> : (tensor<2xi32>) -> tensor<1xi32>
    %10 = "stablehlo.bitcast_convert"(%9) : (tensor<1xi32>) -> tensor<1xui32>
    %11 = "stablehlo.reshape"(%10) : (tensor<1xui32>) -> tensor<ui32>
    %12 = "stablehlo.broadcast_in_dim"(%11) <{broadcast_dimensions = array<i64>}> : (tensor<ui32>) -> tensor<4xui32>
    %13 = "stablehlo.convert"(%1) : (tensor<4xui32>) -> tensor<4xui64>
    %14 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %15 = "stablehlo.multiply"(%13, %14) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %16 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %17 = "stablehlo.shift_right_logical"(%15, %16) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %18 = "stablehlo.convert"(%17) : (tensor<4xui64>) -> tensor<4xui32>
    %19 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %20 = "stablehlo.multiply"(%1, %19) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %21 = "stablehlo.convert"(%3) : (tensor<4xui32>) -> tensor<4xui64>
    %22 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %23 = "stablehlo.multiply"(%21, %22) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %24 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %25 = "stablehlo.shift_right_logical"(%23, %24) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %26 = "stablehlo.convert"(%25) : (tensor<4xui64>) -> tensor<4xui32>
    %27 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %28 = "stablehlo.multiply"(%3, %27) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %29 = "stablehlo.xor"(%26, %2) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %30 = "stablehlo.xor"(%29, %8) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %31 = "stablehlo.xor"(%18, %4) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %32 = "stablehlo.xor"(%31, %12) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %33 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %34 = "stablehlo.add"(%8, %33) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %35 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %36 = "stablehlo.add"(%12, %35) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %37 = "stablehlo.convert"(%30) : (tensor<4xui32>) -> tensor<4xui64>
    %38 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %39 = "stablehlo.multiply"(%37, %38) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %40 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %41 = "stablehlo.shift_right_logical"(%39, %40) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %42 = "stablehlo.convert"(%41) : (tensor<4xui64>) -> tensor<4xui32>
    %43 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %44 = "stablehlo.multiply"(%30, %43) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %45 = "stablehlo.convert"(%32) : (tensor<4xui32>) -> tensor<4xui64>
    %46 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %47 = "stablehlo.multiply"(%45, %46) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %48 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %49 = "stablehlo.shift_right_logical"(%47, %48) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %50 = "stablehlo.convert"(%49) : (tensor<4xui64>) -> tensor<4xui32>
    %51 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %52 = "stablehlo.multiply"(%32, %51) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %53 = "stablehlo.xor"(%50, %28) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %54 = "stablehlo.xor"(%53, %34) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %55 = "stablehlo.xor"(%42, %20) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %56 = "stablehlo.xor"(%55, %36) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %57 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %58 = "stablehlo.add"(%34, %57) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %59 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %60 = "stablehlo.add"(%36, %59) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %61 = "stablehlo.convert"(%54) : (tensor<4xui32>) -> tensor<4xui64>
    %62 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %63 = "stablehlo.multiply"(%61, %62) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %64 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %65 = "stablehlo.shift_right_logical"(%63, %64) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %66 = "stablehlo.convert"(%65) : (tensor<4xui64>) -> tensor<4xui32>
    %67 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %68 = "stablehlo.multiply"(%54, %67) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %69 = "stablehlo.convert"(%56) : (tensor<4xui32>) -> tensor<4xui64>
    %70 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %71 = "stablehlo.multiply"(%69, %70) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %72 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %73 = "stablehlo.shift_right_logical"(%71, %72) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %74 = "stablehlo.convert"(%73) : (tensor<4xui64>) -> tensor<4xui32>
    %75 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %76 = "stablehlo.multiply"(%56, %75) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %77 = "stablehlo.xor"(%74, %52) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %78 = "stablehlo.xor"(%77, %58) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %79 = "stablehlo.xor"(%66, %44) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %80 = "stablehlo.xor"(%79, %60) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %81 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %82 = "stablehlo.add"(%58, %81) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %83 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %84 = "stablehlo.add"(%60, %83) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %85 = "stablehlo.convert"(%78) : (tensor<4xui32>) -> tensor<4xui64>
    %86 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %87 = "stablehlo.multiply"(%85, %86) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %88 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %89 = "stablehlo.shift_right_logical"(%87, %88) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %90 = "stablehlo.convert"(%89) : (tensor<4xui64>) -> tensor<4xui32>
    %91 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %92 = "stablehlo.multiply"(%78, %91) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %93 = "stablehlo.convert"(%80) : (tensor<4xui32>) -> tensor<4xui64>
    %94 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %95 = "stablehlo.multiply"(%93, %94) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %96 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %97 = "stablehlo.shift_right_logical"(%95, %96) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %98 = "stablehlo.convert"(%97) : (tensor<4xui64>) -> tensor<4xui32>
    %99 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %100 = "stablehlo.multiply"(%80, %99) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %101 = "stablehlo.xor"(%98, %76) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %102 = "stablehlo.xor"(%101, %82) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %103 = "stablehlo.xor"(%90, %68) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %104 = "stablehlo.xor"(%103, %84) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %105 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %106 = "stablehlo.add"(%82, %105) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %107 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %108 = "stablehlo.add"(%84, %107) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %109 = "stablehlo.convert"(%102) : (tensor<4xui32>) -> tensor<4xui64>
    %110 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %111 = "stablehlo.multiply"(%109, %110) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %112 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %113 = "stablehlo.shift_right_logical"(%111, %112) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %114 = "stablehlo.convert"(%113) : (tensor<4xui64>) -> tensor<4xui32>
    %115 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %116 = "stablehlo.multiply"(%102, %115) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %117 = "stablehlo.convert"(%104) : (tensor<4xui32>) -> tensor<4xui64>
    %118 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %119 = "stablehlo.multiply"(%117, %118) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %120 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %121 = "stablehlo.shift_right_logical"(%119, %120) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %122 = "stablehlo.convert"(%121) : (tensor<4xui64>) -> tensor<4xui32>
    %123 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %124 = "stablehlo.multiply"(%104, %123) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %125 = "stablehlo.xor"(%122, %100) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %126 = "stablehlo.xor"(%125, %106) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %127 = "stablehlo.xor"(%114, %92) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %128 = "stablehlo.xor"(%127, %108) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %129 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %130 = "stablehlo.add"(%106, %129) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %131 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %132 = "stablehlo.add"(%108, %131) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %133 = "stablehlo.convert"(%126) : (tensor<4xui32>) -> tensor<4xui64>
    %134 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %135 = "stablehlo.multiply"(%133, %134) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %136 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %137 = "stablehlo.shift_right_logical"(%135, %136) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %138 = "stablehlo.convert"(%137) : (tensor<4xui64>) -> tensor<4xui32>
    %139 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %140 = "stablehlo.multiply"(%126, %139) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %141 = "stablehlo.convert"(%128) : (tensor<4xui32>) -> tensor<4xui64>
    %142 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %143 = "stablehlo.multiply"(%141, %142) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %144 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %145 = "stablehlo.shift_right_logical"(%143, %144) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %146 = "stablehlo.convert"(%145) : (tensor<4xui64>) -> tensor<4xui32>
    %147 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %148 = "stablehlo.multiply"(%128, %147) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %149 = "stablehlo.xor"(%146, %124) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %150 = "stablehlo.xor"(%149, %130) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %151 = "stablehlo.xor"(%138, %116) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %152 = "stablehlo.xor"(%151, %132) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %153 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %154 = "stablehlo.add"(%130, %153) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %155 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %156 = "stablehlo.add"(%132, %155) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %157 = "stablehlo.convert"(%150) : (tensor<4xui32>) -> tensor<4xui64>
    %158 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %159 = "stablehlo.multiply"(%157, %158) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %160 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %161 = "stablehlo.shift_right_logical"(%159, %160) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %162 = "stablehlo.convert"(%161) : (tensor<4xui64>) -> tensor<4xui32>
    %163 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %164 = "stablehlo.multiply"(%150, %163) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %165 = "stablehlo.convert"(%152) : (tensor<4xui32>) -> tensor<4xui64>
    %166 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %167 = "stablehlo.multiply"(%165, %166) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %168 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %169 = "stablehlo.shift_right_logical"(%167, %168) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %170 = "stablehlo.convert"(%169) : (tensor<4xui64>) -> tensor<4xui32>
    %171 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %172 = "stablehlo.multiply"(%152, %171) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %173 = "stablehlo.xor"(%170, %148) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %174 = "stablehlo.xor"(%173, %154) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %175 = "stablehlo.xor"(%162, %140) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %176 = "stablehlo.xor"(%175, %156) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %177 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %178 = "stablehlo.add"(%154, %177) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %179 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %180 = "stablehlo.add"(%156, %179) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %181 = "stablehlo.convert"(%174) : (tensor<4xui32>) -> tensor<4xui64>
    %182 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %183 = "stablehlo.multiply"(%181, %182) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %184 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %185 = "stablehlo.shift_right_logical"(%183, %184) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %186 = "stablehlo.convert"(%185) : (tensor<4xui64>) -> tensor<4xui32>
    %187 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %188 = "stablehlo.multiply"(%174, %187) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %189 = "stablehlo.convert"(%176) : (tensor<4xui32>) -> tensor<4xui64>
    %190 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %191 = "stablehlo.multiply"(%189, %190) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %192 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %193 = "stablehlo.shift_right_logical"(%191, %192) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %194 = "stablehlo.convert"(%193) : (tensor<4xui64>) -> tensor<4xui32>
    %195 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %196 = "stablehlo.multiply"(%176, %195) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %197 = "stablehlo.xor"(%194, %172) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %198 = "stablehlo.xor"(%197, %178) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %199 = "stablehlo.xor"(%186, %164) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %200 = "stablehlo.xor"(%199, %180) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %201 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %202 = "stablehlo.add"(%178, %201) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %203 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %204 = "stablehlo.add"(%180, %203) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %205 = "stablehlo.convert"(%198) : (tensor<4xui32>) -> tensor<4xui64>
    %206 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %207 = "stablehlo.multiply"(%205, %206) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %208 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %209 = "stablehlo.shift_right_logical"(%207, %208) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %210 = "stablehlo.convert"(%209) : (tensor<4xui64>) -> tensor<4xui32>
    %211 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %212 = "stablehlo.multiply"(%198, %211) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %213 = "stablehlo.convert"(%200) : (tensor<4xui32>) -> tensor<4xui64>
    %214 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %215 = "stablehlo.multiply"(%213, %214) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %216 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %217 = "stablehlo.shift_right_logical"(%215, %216) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %218 = "stablehlo.convert"(%217) : (tensor<4xui64>) -> tensor<4xui32>
    %219 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %220 = "stablehlo.multiply"(%200, %219) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %221 = "stablehlo.xor"(%218, %196) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %222 = "stablehlo.xor"(%221, %202) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %223 = "stablehlo.xor"(%210, %188) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %224 = "stablehlo.xor"(%223, %204) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %225 = "stablehlo.constant"() <{value = dense<2654435769> : tensor<4xui32>}> : () -> tensor<4xui32>
    %226 = "stablehlo.add"(%202, %225) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %227 = "stablehlo.constant"() <{value = dense<3144134277> : tensor<4xui32>}> : () -> tensor<4xui32>
    %228 = "stablehlo.add"(%204, %227) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %229 = "stablehlo.convert"(%222) : (tensor<4xui32>) -> tensor<4xui64>
    %230 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui64>}> : () -> tensor<4xui64>
    %231 = "stablehlo.multiply"(%229, %230) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %232 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %233 = "stablehlo.shift_right_logical"(%231, %232) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %234 = "stablehlo.convert"(%233) : (tensor<4xui64>) -> tensor<4xui32>
    %235 = "stablehlo.constant"() <{value = dense<3528531795> : tensor<4xui32>}> : () -> tensor<4xui32>
    %236 = "stablehlo.multiply"(%222, %235) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %237 = "stablehlo.convert"(%224) : (tensor<4xui32>) -> tensor<4xui64>
    %238 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui64>}> : () -> tensor<4xui64>
    %239 = "stablehlo.multiply"(%237, %238) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %240 = "stablehlo.constant"() <{value = dense<32> : tensor<4xui64>}> : () -> tensor<4xui64>
    %241 = "stablehlo.shift_right_logical"(%239, %240) : (tensor<4xui64>, tensor<4xui64>) -> tensor<4xui64>
    %242 = "stablehlo.convert"(%241) : (tensor<4xui64>) -> tensor<4xui32>
    %243 = "stablehlo.constant"() <{value = dense<3449720151> : tensor<4xui32>}> : () -> tensor<4xui32>
    %244 = "stablehlo.multiply"(%224, %243) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %245 = "stablehlo.xor"(%242, %220) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %246 = "stablehlo.xor"(%245, %226) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %247 = "stablehlo.xor"(%234, %212) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %248 = "stablehlo.xor"(%247, %228) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
    %249 = "stablehlo.reshape"(%246) : (tensor<4xui32>) -> tensor<4x1xui32>
    %250 = "stablehlo.reshape"(%244) : (tensor<4xui32>) -> tensor<4x1xui32>
    %251 = "stablehlo.reshape"(%248) : (tensor<4xui32>) -> tensor<4x1xui32>
    %252 = "stablehlo.reshape"(%236) : (tensor<4xui32>) -> tensor<4x1xui32>
    %253 = "stablehlo.concatenate"(%249, %250, %251, %252) <{dimension = 1 : i64}> : (tensor<4x1xui32>, tensor<4x1xui32>, tensor<4x1xui32>, tensor<4x1xui32>) -> tensor<4x4xui32>
    %254 = "stablehlo.reshape"(%253) : (tensor<4x4xui32>) -> tensor<16xui32>
    %255 = "stablehlo.slice"(%254) <{start_indices = array<i64: 0>, limit_indices = array<i64: 15>, strides = array<i64: 1>}> : (tensor<16xui32>) -> tensor<15xui32>
    %256 = "stablehlo.reshape"(%255) : (tensor<15xui32>) -> tensor<3x5xui32>
    %257 = "stablehlo.bitcast_convert"(%256) : (tensor<3x5xui32>) -> tensor<3x5xi32>
    "func.return"(%257) : (tensor<3x5xi32>) -> ()
  }
}

// reduce_max: maximum over all axes
module @graph {
  func.func public @main(%arg0: tensor<2x3x2xf64>) -> (tensor<f64>) {
    %0 = "stablehlo.constant"() <{value = dense<0xFFF0000000000000> : tensor<f64>}> : () -> tensor<f64>
    %7 = "stablehlo.reduce"(%arg0, %0) <{dimensions = array<i64: 0, 1, 2>}> ({
    ^bb0(%1: tensor<f64>, %2: tensor<f64>):
    %3 = "stablehlo.compare"(%1, %2) <{comparison_direction = #stablehlo<comparison_direction GT>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %4 = "stablehlo.compare"(%1, %1) <{comparison_direction = #stablehlo<comparison_direction NE>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %5 = "stablehlo.or"(%3, %4) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    %6 = "stablehlo.select"(%5, %1, %2) : (tensor<i1>, tensor<f64>, tensor<f64>) -> tensor<f64>
    "stablehlo.return"(%6) : (tensor<f64>) -> ()
    }) : (tensor<2x3x2xf64>, tensor<f64>) -> tensor<f64>
    "func.return"(%7) : (tensor<f64>) -> ()
  }
}

// reduce_sum: sum over all axes
module @graph {
  func.func public @main(%arg0: tensor<2x3x4xf64>) -> (tensor<f64>) {
    %0 = "stablehlo.constant"() <{value = dense<0.0> : tensor<f64>}> : () -> tensor<f64>
    %4 = "stablehlo.reduce"(%arg0, %0) <{dimensions = array<i64: 0, 1, 2>}> ({
    ^bb0(%1: tensor<f64>, %2: tensor<f64>):
    %3 = "stablehlo.add"(%1, %2) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "stablehlo.return"(%3) : (tensor<f64>) -> ()
    }) : (tensor<2x3x4xf64>, tensor<f64>) -> tensor<f64>
    "func.return"(%4) : (tensor<f64>) -> ()
  }
}

// reshape: reshape with new unit axes
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x1x3x1xf64>) {
    %0 = "stablehlo.reshape"(%arg0) : (tensor<2x3xf64>) -> tensor<2x1x3x1xf64>
    "func.return"(%0) : (tensor<2x1x3x1xf64>) -> ()
  }
}

// reverse: reverse rows
module @graph {
  func.func public @main(%arg0: tensor<3x2xf64>) -> (tensor<3x2xf64>) {
    %0 = "stablehlo.reverse"(%arg0) <{dimensions = array<i64: 0>}> : (tensor<3x2xf64>) -> tensor<3x2xf64>
    "func.return"(%0) : (tensor<3x2xf64>) -> ()
  }
}

// rsqrt: rsqrt
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.rsqrt"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// scatter_add: scatter_add of rows
module @graph {
  func.func public @main(%arg0: tensor<2x2x3xf64>, %arg1: tensor<2x2xi32>) -> (tensor<3x3xf64>) {
    %0 = "stablehlo.constant"() <{value = dense<0.0> : tensor<3x3xf64>}> : () -> tensor<3x3xf64>
    %4 = "stablehlo.scatter"(%0, %arg1, %arg0) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], inserted_window_dims = [0], input_batching_dims = [], scatter_indices_batching_dims = [], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>, indices_are_sorted = false, unique_indices = false}> ({
    ^bb0(%1: tensor<f64>, %2: tensor<f64>):
    %3 = "stablehlo.add"(%1, %2) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "stablehlo.return"(%3) : (tensor<f64>) -> ()
    }) : (tensor<3x3xf64>, tensor<2x2xi32>, tensor<2x2x3xf64>) -> tensor<3x3xf64>
    "func.return"(%4) : (tensor<3x3xf64>) -> ()
  }
}

// select: select
module @graph {
  func.func public @main(%arg0: tensor<2x3xi1>, %arg1: tensor<2x3xf64>, %arg2: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.select"(%arg0, %arg1, %arg2) : (tensor<2x3xi1>, tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// sign: sign
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.sign"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// sin: sin
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.sine"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// slice: slice of both axes
module @graph {
  func.func public @main(%arg0: tensor<4x3xf64>) -> (tensor<2x2xf64>) {
    %0 = "stablehlo.slice"(%arg0) <{start_indices = array<i64: 1, 0>, limit_indices = array<i64: 3, 2>, strides = array<i64: 1, 1>}> : (tensor<4x3xf64>) -> tensor<2x2xf64>
    "func.return"(%0) : (tensor<2x2xf64>) -> ()
  }
}

// sqrt: sqrt
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.sqrt"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// stop_gradient: stop_gradient of integers
module @graph {
  func.func public @main(%arg0: tensor<2x3xi32>) -> (tensor<2x3xi32>) {
    "func.return"(%arg0) : (tensor<2x3xi32>) -> ()
  }
}

// subtract: subtract matrices
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.subtract"(%arg0, %arg1) : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// tanh: tanh
module @graph {
  func.func public @main(%arg0: tensor<2x3xf64>) -> (tensor<2x3xf64>) {
    %0 = "stablehlo.tanh"(%arg0) : (tensor<2x3xf64>) -> tensor<2x3xf64>
    "func.return"(%0) : (tensor<2x3xf64>) -> ()
  }
}

// transpose: transpose cyclically
module @graph {
  func.func public @main(%arg0: tensor<2x3x4xf64>) -> (tensor<3x4x2xf64>) {
    %0 = "stablehlo.transpose"(%arg0) <{permutation = array<i64: 1, 2, 0>}> : (tensor<2x3x4xf64>) -> tensor<3x4x2xf64>
    "func.return"(%0) : (tensor<3x4x2xf64>) -> ()
  }
}

// triangular_solve: lower system
module @graph {
  func.func public @main(%arg0: tensor<3x3xf64>, %arg1: tensor<3x2xf64>) -> (tensor<3x2xf64>) {
    %0 = "stablehlo.triangular_solve"(%arg0, %arg1) <{left_side = true, lower = true, unit_diagonal = false, transpose_a = #stablehlo<transpose NO_TRANSPOSE>}> : (tensor<3x3xf64>, tensor<3x2xf64>) -> tensor<3x2xf64>
    "func.return"(%0) : (tensor<3x2xf64>) -> ()
  }
}

// window_argmax: maxima of squares
module @graph {
  func.func public @main(%arg0: tensor<2x4x4x3xf64>) -> (tensor<2x2x2x3xi32>) {
    %0 = "stablehlo.iota"() <{iota_dimension = 0 : i64}> : () -> tensor<96xi32>
    %1 = "stablehlo.reshape"(%0) : (tensor<96xi32>) -> tensor<2x4x4x3xi32>
    %2 = "stablehlo.constant"() <{value = dense<0xFFF0000000000000> : tensor<f64>}> : () -> tensor<f64>
    %3 = "stablehlo.constant"() <{value = dense<2147483647> : tensor<i32>}> : () -> tensor<i32>
    %21:2 = "stablehlo.reduce_window"(%arg0, %1, %2, %3) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>, base_dilations = array<i64: 1, 1, 1, 1>, window_dilations = array<i64: 1, 1, 1, 1>, padding = dense<[[0, 0], [0, 0], [0, 0], [0, 0]]> : tensor<4x2xi64>}> ({
    ^bb0(%4: tensor<f64>, %5: tensor<i32>, %6: tensor<f64>, %7: tensor<i32>):
    %8 = "stablehlo.compare"(%5, %7) <{comparison_direction = #stablehlo<comparison_direction LT>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %9 = "stablehlo.compare"(%4, %6) <{comparison_direction = #stablehlo<comparison_direction GT>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %10 = "stablehlo.compare"(%4, %6) <{comparison_direction = #stablehlo<comparison_direction EQ>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %11 = "stablehlo.and"(%10, %8) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    %12 = "stablehlo.or"(%9, %11) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    %13 = "stablehlo.compare"(%4, %4) <{comparison_direction = #stablehlo<comparison_direction NE>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %14 = "stablehlo.compare"(%6, %6) <{comparison_direction = #stablehlo<comparison_direction NE>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %15 = "stablehlo.not"(%14) : (tensor<i1>) -> tensor<i1>
    %16 = "stablehlo.or"(%15, %8) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    %17 = "stablehlo.and"(%12, %15) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    %18 = "stablehlo.select"(%13, %16, %17) : (tensor<i1>, tensor<i1>, tensor<i1>) -> tensor<i1>
    %19 = "stablehlo.select"(%18, %4, %6) : (tensor<i1>, tensor<f64>, tensor<f64>) -> tensor<f64>
    %20 = "stablehlo.select"(%18, %5, %7) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    "stablehlo.return"(%19, %20) : (tensor<f64>, tensor<i32>) -> ()
    }) : (tensor<2x4x4x3xf64>, tensor<2x4x4x3xi32>, tensor<f64>, tensor<i32>) -> (tensor<2x2x2x3xf64>, tensor<2x2x2x3xi32>)
    %22 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %23 = "stablehlo.constant"() <{value = dense<12> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %24 = "stablehlo.divide"(%21#1, %23) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %25 = "stablehlo.constant"() <{value = dense<4> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %26 = "stablehlo.remainder"(%24, %25) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %27 = "stablehlo.iota"() <{iota_dimension = 1 : i64}> : () -> tensor<2x2x2x3xi32>
    %28 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %29 = "stablehlo.multiply"(%27, %28) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %30 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %31 = "stablehlo.subtract"(%29, %30) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %32 = "stablehlo.subtract"(%26, %31) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %33 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %34 = "stablehlo.multiply"(%32, %33) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %35 = "stablehlo.add"(%22, %34) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %36 = "stablehlo.constant"() <{value = dense<3> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %37 = "stablehlo.divide"(%21#1, %36) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %38 = "stablehlo.constant"() <{value = dense<4> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %39 = "stablehlo.remainder"(%37, %38) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %40 = "stablehlo.iota"() <{iota_dimension = 2 : i64}> : () -> tensor<2x2x2x3xi32>
    %41 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %42 = "stablehlo.multiply"(%40, %41) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %43 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %44 = "stablehlo.subtract"(%42, %43) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %45 = "stablehlo.subtract"(%39, %44) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %46 = "stablehlo.constant"() <{value = dense<1> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %47 = "stablehlo.multiply"(%45, %46) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %48 = "stablehlo.add"(%35, %47) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    "func.return"(%48) : (tensor<2x2x2x3xi32>) -> ()
  }
}

// window_gather: elements of squares
module @graph {
  func.func public @main(%arg0: tensor<2x4x4x3xf64>, %arg1: tensor<2x2x2x3xi32>) -> (tensor<2x2x2x3xf64>) {
    %0 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %1 = "stablehlo.constant"() <{value = dense<4> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %2 = "stablehlo.compare"(%arg1, %0) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %3 = "stablehlo.compare"(%arg1, %1) <{comparison_direction = #stablehlo<comparison_direction LT>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %4 = "stablehlo.and"(%2, %3) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %5 = "stablehlo.iota"() <{iota_dimension = 0 : i64}> : () -> tensor<2x2x2x3xi32>
    %6 = "stablehlo.constant"() <{value = dense<1> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %7 = "stablehlo.multiply"(%5, %6) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %8 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %9 = "stablehlo.subtract"(%7, %8) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %10 = "stablehlo.iota"() <{iota_dimension = 1 : i64}> : () -> tensor<2x2x2x3xi32>
    %11 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %12 = "stablehlo.multiply"(%10, %11) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %13 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %14 = "stablehlo.subtract"(%12, %13) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %15 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %16 = "stablehlo.divide"(%arg1, %15) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %17 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %18 = "stablehlo.remainder"(%16, %17) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %19 = "stablehlo.add"(%14, %18) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %20 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %21 = "stablehlo.constant"() <{value = dense<4> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %22 = "stablehlo.compare"(%19, %20) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %23 = "stablehlo.compare"(%19, %21) <{comparison_direction = #stablehlo<comparison_direction LT>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %24 = "stablehlo.and"(%22, %23) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %25 = "stablehlo.and"(%4, %24) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %26 = "stablehlo.iota"() <{iota_dimension = 2 : i64}> : () -> tensor<2x2x2x3xi32>
    %27 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %28 = "stablehlo.multiply"(%26, %27) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %29 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %30 = "stablehlo.subtract"(%28, %29) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %31 = "stablehlo.constant"() <{value = dense<1> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %32 = "stablehlo.divide"(%arg1, %31) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %33 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %34 = "stablehlo.remainder"(%32, %33) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %35 = "stablehlo.add"(%30, %34) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %36 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %37 = "stablehlo.constant"() <{value = dense<4> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %38 = "stablehlo.compare"(%35, %36) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %39 = "stablehlo.compare"(%35, %37) <{comparison_direction = #stablehlo<comparison_direction LT>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %40 = "stablehlo.and"(%38, %39) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %41 = "stablehlo.and"(%25, %40) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %42 = "stablehlo.iota"() <{iota_dimension = 3 : i64}> : () -> tensor<2x2x2x3xi32>
    %43 = "stablehlo.constant"() <{value = dense<1> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %44 = "stablehlo.multiply"(%42, %43) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %45 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %46 = "stablehlo.subtract"(%44, %45) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %47 = "stablehlo.reshape"(%9) : (tensor<2x2x2x3xi32>) -> tensor<2x2x2x3x1xi32>
    %48 = "stablehlo.reshape"(%19) : (tensor<2x2x2x3xi32>) -> tensor<2x2x2x3x1xi32>
    %49 = "stablehlo.reshape"(%35) : (tensor<2x2x2x3xi32>) -> tensor<2x2x2x3x1xi32>
    %50 = "stablehlo.reshape"(%46) : (tensor<2x2x2x3xi32>) -> tensor<2x2x2x3x1xi32>
    %51 = "stablehlo.concatenate"(%47, %48, %49, %50) <{dimension = 4 : i64}> : (tensor<2x2x2x3x1xi32>, tensor<2x2x2x3x1xi32>, tensor<2x2x2x3x1xi32>, tensor<2x2x2x3x1xi32>) -> tensor<2x2x2x3x4xi32>
    %52 = "stablehlo.gather"(%arg0, %51) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0, 1, 2, 3], start_index_map = [0, 1, 2, 3], index_vector_dim = 4>, slice_sizes = array<i64: 1, 1, 1, 1>, indices_are_sorted = false}> : (tensor<2x4x4x3xf64>, tensor<2x2x2x3x4xi32>) -> tensor<2x2x2x3xf64>
    %53 = "stablehlo.constant"() <{value = dense<0.0> : tensor<2x2x2x3xf64>}> : () -> tensor<2x2x2x3xf64>
    %54 = "stablehlo.select"(%41, %52, %53) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xf64>, tensor<2x2x2x3xf64>) -> tensor<2x2x2x3xf64>
    "func.return"(%54) : (tensor<2x2x2x3xf64>) -> ()
  }
}

// window_scatter: scatter to squares
module @graph {
  func.func public @main(%arg0: tensor<2x2x2x3xf64>, %arg1: tensor<2x2x2x3xi32>) -> (tensor<2x4x4x3xf64>) {
    %0 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %1 = "stablehlo.constant"() <{value = dense<4> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %2 = "stablehlo.compare"(%arg1, %0) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %3 = "stablehlo.compare"(%arg1, %1) <{comparison_direction = #stablehlo<comparison_direction LT>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %4 = "stablehlo.and"(%2, %3) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %5 = "stablehlo.iota"() <{iota_dimension = 0 : i64}> : () -> tensor<2x2x2x3xi32>
    %6 = "stablehlo.constant"() <{value = dense<1> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %7 = "stablehlo.multiply"(%5, %6) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %8 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %9 = "stablehlo.subtract"(%7, %8) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %10 = "stablehlo.iota"() <{iota_dimension = 1 : i64}> : () -> tensor<2x2x2x3xi32>
    %11 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %12 = "stablehlo.multiply"(%10, %11) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %13 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %14 = "stablehlo.subtract"(%12, %13) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %15 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %16 = "stablehlo.divide"(%arg1, %15) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %17 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %18 = "stablehlo.remainder"(%16, %17) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %19 = "stablehlo.add"(%14, %18) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %20 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %21 = "stablehlo.constant"() <{value = dense<4> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %22 = "stablehlo.compare"(%19, %20) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %23 = "stablehlo.compare"(%19, %21) <{comparison_direction = #stablehlo<comparison_direction LT>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %24 = "stablehlo.and"(%22, %23) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %25 = "stablehlo.and"(%4, %24) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %26 = "stablehlo.iota"() <{iota_dimension = 2 : i64}> : () -> tensor<2x2x2x3xi32>
    %27 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %28 = "stablehlo.multiply"(%26, %27) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %29 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %30 = "stablehlo.subtract"(%28, %29) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %31 = "stablehlo.constant"() <{value = dense<1> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %32 = "stablehlo.divide"(%arg1, %31) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %33 = "stablehlo.constant"() <{value = dense<2> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %34 = "stablehlo.remainder"(%32, %33) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %35 = "stablehlo.add"(%30, %34) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %36 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %37 = "stablehlo.constant"() <{value = dense<4> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %38 = "stablehlo.compare"(%35, %36) <{comparison_direction = #stablehlo<comparison_direction GE>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %39 = "stablehlo.compare"(%35, %37) <{comparison_direction = #stablehlo<comparison_direction LT>, compare_type = #stablehlo<comparison_type SIGNED>}> : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi1>
    %40 = "stablehlo.and"(%38, %39) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %41 = "stablehlo.and"(%25, %40) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xi1>) -> tensor<2x2x2x3xi1>
    %42 = "stablehlo.iota"() <{iota_dimension = 3 : i64}> : () -> tensor<2x2x2x3xi32>
    %43 = "stablehlo.constant"() <{value = dense<1> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %44 = "stablehlo.multiply"(%42, %43) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %45 = "stablehlo.constant"() <{value = dense<0> : tensor<2x2x2x3xi32>}> : () -> tensor<2x2x2x3xi32>
    %46 = "stablehlo.subtract"(%44, %45) : (tensor<2x2x2x3xi32>, tensor<2x2x2x3xi32>) -> tensor<2x2x2x3xi32>
    %47 = "stablehlo.reshape"(%9) : (tensor<2x2x2x3xi32>) -> tensor<2x2x2x3x1xi32>
    %48 = "stablehlo.reshape"(%19) : (tensor<2x2x2x3xi32>) -> tensor<2x2x2x3x1xi32>
    %49 = "stablehlo.reshape"(%35) : (tensor<2x2x2x3xi32>) -> tensor<2x2x2x3x1xi32>
    %50 = "stablehlo.reshape"(%46) : (tensor<2x2x2x3xi32>) -> tensor<2x2x2x3x1xi32>
    %51 = "stablehlo.concatenate"(%47, %48, %49, %50) <{dimension = 4 : i64}> : (tensor<2x2x2x3x1xi32>, tensor<2x2x2x3x1xi32>, tensor<2x2x2x3x1xi32>, tensor<2x2x2x3x1xi32>) -> tensor<2x2x2x3x4xi32>
    %52 = "stablehlo.constant"() <{value = dense<0.0> : tensor<2x2x2x3xf64>}> : () -> tensor<2x2x2x3xf64>
    %53 = "stablehlo.select"(%41, %arg0, %52) : (tensor<2x2x2x3xi1>, tensor<2x2x2x3xf64>, tensor<2x2x2x3xf64>) -> tensor<2x2x2x3xf64>
    %54 = "stablehlo.constant"() <{value = dense<0.0> : tensor<2x4x4x3xf64>}> : () -> tensor<2x4x4x3xf64>
    %58 = "stablehlo.scatter"(%54, %51, %53) <{scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1, 2, 3], scatter_dims_to_operand_dims = [0, 1, 2, 3], index_vector_dim = 4>, indices_are_sorted = false, unique_indices = false}> ({
    ^bb0(%55: tensor<f64>, %56: tensor<f64>):
    %57 = "stablehlo.add"(%55, %56) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "stablehlo.return"(%57) : (tensor<f64>) -> ()
    }) : (tensor<2x4x4x3xf64>, tensor<2x2x2x3x4xi32>, tensor<2x2x2x3xf64>) -> tensor<2x4x4x3xf64>
    "func.return"(%58) : (tensor<2x4x4x3xf64>) -> ()
  }
}

// window_sum: sums over squares
module @graph {
  func.func public @main(%arg0: tensor<2x4x4x2xf64>) -> (tensor<2x2x2x2xf64>) {
    %0 = "stablehlo.constant"() <{value = dense<0.0> : tensor<f64>}> : () -> tensor<f64>
    %4 = "stablehlo.reduce_window"(%arg0, %0) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>, base_dilations = array<i64: 1, 1, 1, 1>, window_dilations = array<i64: 1, 1, 1, 1>, padding = dense<[[0, 0], [0, 0], [0, 0], [0, 0]]> : tensor<4x2xi64>}> ({
    ^bb0(%1: tensor<f64>, %2: tensor<f64>):
    %3 = "stablehlo.add"(%1, %2) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    "stablehlo.return"(%3) : (tensor<f64>) -> ()
    }) : (tensor<2x4x4x2xf64>, tensor<f64>) -> tensor<2x2x2x2xf64>
    "func.return"(%4) : (tensor<2x2x2x2xf64>) -> ()
  }
}

// xor: xor of truth values
module @graph {
  func.func public @main(%arg0: tensor<3x2xi1>, %arg1: tensor<3x2xi1>) -> (tensor<3x2xi1>) {
    %0 = "stablehlo.xor"(%arg0, %arg1) : (tensor<3x2xi1>, tensor<3x2xi1>) -> tensor<3x2xi1>
    "func.return"(%0) : (tensor<3x2xi1>) -> ()
  }
}
