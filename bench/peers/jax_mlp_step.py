"""JAX: the time of one training step of an MLP with ReLU, Adam at 1e-3."""

import common

BATCHES = 8
LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
TRIAL_PASSES = 5


def add_arguments(parser):
    parser.add_argument("--sizes", type=common.sizes, default=common.sizes("784-512-512-512-10"))
    common.add_counts(parser, runs=7, passes=5, batch=500)


def initial_state(rng, sizes):
    """Parameters drawn as PyTorch's default does (weights and biases within 1/sqrt(inputs)), zero moments, step 0."""
    import jax
    import jax.numpy as jnp

    def uniform(inputs, shape):
        bound = inputs**-0.5
        return jnp.asarray(rng.uniform(-bound, bound, shape), jnp.float32)

    parameters = [(uniform(i, (i, o)), uniform(i, o)) for i, o in zip(sizes, sizes[1:])]
    first, second = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
    return parameters, first, second, jnp.float32(0)


def loss(parameters, pixels, labels):
    import jax
    import jax.numpy as jnp

    values = pixels
    for weight, bias in parameters[:-1]:
        values = jax.nn.relu(values @ weight + bias)
    weight, bias = parameters[-1]
    log_probabilities = jax.nn.log_softmax(values @ weight + bias)
    return -jnp.take_along_axis(log_probabilities, labels[:, None], 1).mean()


def step(state, batch):
    """One full training step; returns the new state and the loss before it."""
    import jax
    import jax.numpy as jnp

    parameters, first, second, count = state
    value, gradient = jax.value_and_grad(loss)(parameters, *batch)
    count = count + 1
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradient)
    second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradient)
    rate, root = LEARNING_RATE / (1 - BETA1**count), (1 - BETA2**count) ** 0.5
    parameters = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + EPSILON), parameters, first, second)
    return (parameters, first, second, count), value


def one_pass_by_calls(data):
    """A pass over all batches with one compiled call per step."""
    import jax

    compiled = jax.jit(step, donate_argnums=0)
    batches = [jax.tree.map(lambda a: a[i], data) for i in range(BATCHES)]

    def one_pass(state):
        for batch in batches:
            state, value = compiled(state, batch)
        return state, value

    return one_pass


def one_pass_by_scan(data):
    """A pass over all batches within one compiled call."""
    import jax

    compiled = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches), donate_argnums=0)

    def one_pass(state):
        state, values = compiled(state, data)
        return state, values[-1]

    return one_pass


class Trainer:
    """A freshly initialised network that has made one pass, so that everything is compiled."""

    def __init__(self, one_pass, state):
        self.one_pass, self.state = one_pass, state
        self.first_loss = self.passes(1)

    def passes(self, count):
        import jax

        for _ in range(count):
            self.state, value = self.one_pass(self.state)
        jax.block_until_ready(self.state)
        return float(value)


def measure(options):
    import jax.numpy as jnp
    import numpy as np

    rng = np.random.default_rng(0)
    pixels = jnp.asarray(rng.random((BATCHES, options.batch, options.sizes[0])), jnp.float32)
    labels = jnp.asarray(rng.integers(0, options.sizes[-1], (BATCHES, options.batch)), jnp.int32)
    candidates = {"jit, one call per step": one_pass_by_calls, f"jit, scan over {BATCHES} steps": one_pass_by_scan}
    trainers = {
        name: Trainer(make((pixels, labels)), initial_state(rng, options.sizes)) for name, make in candidates.items()
    }

    def times(trainer, runs, passes):
        return common.runs_ms(lambda: trainer.passes(passes), runs, passes * BATCHES)

    best, trials = common.fastest(trainers, lambda trainer: min(times(trainer, 3, TRIAL_PASSES)))
    chosen = trainers[best]
    measured = common.timing(times(chosen, options.runs, options.passes))
    return {
        "version": common.versions("jax", "jaxlib"),
        "configuration": f"{best}, donated state",
        **measured,
        "checks": {"first_loss": chosen.first_loss, "last_loss": chosen.passes(1), "trials_ms": trials},
    }


common.run("jax_mlp_step", measure, add_arguments)
