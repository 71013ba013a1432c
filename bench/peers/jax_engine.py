"""JAX: the time of a gradient and of a Hessian-vector product at a fixed point."""

import os
import tempfile

import common
import engine_problem


class Problem:
    """A network in one form, at a point. The data are arguments, as in any training loop, and not constants."""

    def __init__(self, arrays, form):
        import jax
        import jax.numpy as jnp
        import jax_networks

        parameters, tangents, x, labels = arrays
        self.parameters, self.tangents = ({n: jnp.asarray(a) for n, a in part.items()} for part in (parameters, tangents))
        self.data = jnp.asarray(x), jnp.asarray(labels)
        self.gradient = jax.jit(jax.grad(jax_networks.loss(form)))

    def linear(self):
        """The derivative of the gradient at the point: what does not depend on the tangents is computed here."""
        import jax

        return jax.linearize(lambda p: self.gradient(p, *self.data), self.parameters)[1]


def gradient(problem):
    import jax

    return lambda: jax.block_until_ready(problem.gradient(problem.parameters, *problem.data))


def product_whole(problem):
    import jax

    def product(p, v, data):
        return jax.jvp(lambda p: problem.gradient(p, *data), (p,), (v,))[1]

    compiled = jax.jit(product)
    return lambda: jax.block_until_ready(compiled(problem.parameters, problem.tangents, problem.data))


def product_linearized(problem):
    import jax

    linear = problem.linear()
    return lambda: jax.block_until_ready(linear(problem.tangents))


def product_linearized_compiled(problem):
    """The linear part compiled as one, its residuals arguments and not constants."""
    import jax

    jaxpr, shape = jax.make_jaxpr(problem.linear(), return_shape=True)(problem.tangents)
    evaluate = jax.jit(lambda residuals, v: jax.core.eval_jaxpr(jaxpr.jaxpr, residuals, *jax.tree.leaves(v)))
    tree = jax.tree.structure(shape)
    return lambda: jax.tree.unflatten(tree, jax.block_until_ready(evaluate(jaxpr.consts, problem.tangents)))


METHODS = {
    "gradient": {"jit": gradient},
    "product": {
        "jit of jvp of grad": product_whole,
        "linearize": product_linearized,
        "linearize, compiled as one": product_linearized_compiled,
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


def in_order(dot, names):
    return lambda result: dot([result[name] for name in names])


def prepare_turns(options):
    import jax

    # What was compiled once is found again in the next run.
    jax.config.update("jax_compilation_cache_dir", os.path.join(tempfile.gettempdir(), "isoloss-peers-jax"))
    arrays = engine_problem.read(options)
    both = {quantity: candidates(options, arrays, quantity) for quantity in engine_problem.QUANTITIES}
    dot = in_order(engine_problem.along(arrays), list(arrays[1]))
    description, turn = engine_problem.contest(options, both, dot)
    return {"version": common.versions("jax", "jaxlib"), **description}, turn


common.serve("jax_engine", prepare_turns, engine_problem.add_arguments)
