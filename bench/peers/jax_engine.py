"""JAX: the time of a gradient and of a Hessian-vector product at a fixed point."""

import common
import engine_problem


class Problem:
    """A network in one form, at a point."""

    def __init__(self, arrays, form):
        import jax.numpy as jnp
        import jax_networks

        parameters, tangents, x, labels = arrays
        self.parameters, self.tangents = ({n: jnp.asarray(a) for n, a in part.items()} for part in (parameters, tangents))
        x, labels, loss = jnp.asarray(x), jnp.asarray(labels), jax_networks.loss(form)
        self.loss = lambda p: loss(p, x, labels)


def gradient(problem):
    import jax

    compiled = jax.jit(jax.grad(problem.loss))
    return lambda: jax.block_until_ready(compiled(problem.parameters))


def product_whole(problem):
    import jax

    compiled = jax.jit(lambda p, v: jax.jvp(jax.grad(problem.loss), (p,), (v,))[1])
    return lambda: jax.block_until_ready(compiled(problem.parameters, problem.tangents))


def product_linearized(problem):
    """What does not depend on the tangents is computed once, and given to the compiled linear part as arguments."""
    import jax

    linear = jax.linearize(jax.jit(jax.grad(problem.loss)), problem.parameters)[1]
    jaxpr, shape = jax.make_jaxpr(linear, return_shape=True)(problem.tangents)
    evaluate = jax.jit(lambda residuals, v: jax.core.eval_jaxpr(jaxpr.jaxpr, residuals, *jax.tree.leaves(v)))
    tree = jax.tree.structure(shape)
    return lambda: jax.tree.unflatten(tree, jax.block_until_ready(evaluate(jaxpr.consts, problem.tangents)))


def product_linearized_as_it_is(problem):
    import jax

    compiled = jax.jit(jax.linearize(jax.jit(jax.grad(problem.loss)), problem.parameters)[1])
    return lambda: jax.block_until_ready(compiled(problem.tangents))


def product_pulled_back(problem):
    """The gradient's derivative is symmetric, so it can be pulled back as well."""
    import jax

    pull = jax.vjp(jax.jit(jax.grad(problem.loss)), problem.parameters)[1]
    compiled = jax.jit(lambda pull, v: pull(v)[0])
    return lambda: jax.block_until_ready(compiled(pull, problem.tangents))


METHODS = {
    "gradient": {"jit": gradient},
    "product": {
        "jit of jvp of grad": product_whole,
        "linearize": product_linearized_as_it_is,
        "linearize, residuals as arguments": product_linearized,
        "vjp of grad": product_pulled_back,
    },
}


def candidates(options, arrays, quantity):
    """What prepares an action in each configuration, by its name: form, method."""
    import jax_networks

    return {
        ", ".join(filter(None, (form_name, method_name))): lambda form=form, method=method: method(Problem(arrays, form))
        for form_name, form in jax_networks.FORMS[options.network].items()
        for method_name, method in METHODS[quantity].items()
    }


def along(arrays):
    """The inner product with the tangents."""
    import numpy as np

    def dot(result):
        return float(sum((np.asarray(result[name], np.float64) * v).sum() for name, v in arrays[1].items()))

    return dot


def prepare_turns(options):
    arrays = engine_problem.read(options)
    both = {quantity: candidates(options, arrays, quantity) for quantity in engine_problem.QUANTITIES}
    description, turn = engine_problem.contest(options.network, both, along(arrays))
    return {"version": common.versions("jax", "jaxlib"), **description}, turn


common.serve("jax_engine", prepare_turns, engine_problem.add_arguments)
