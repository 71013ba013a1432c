"""PyTorch: the time of a gradient and of a Hessian-vector product at a fixed point, and the memory of a product."""

import ctypes
import functools
import gc

import common
import engine_choice
import engine_problem


class Problem:
    """A network in one form and one memory layout, at a point."""

    def __init__(self, arrays, form, channels_last):
        import torch

        parameters, tangents, x, labels = (self._tensors(part) for part in arrays)
        layout = {"memory_format": torch.channels_last} if channels_last else {}
        place = lambda t: t.contiguous(**layout) if t.dim() == 4 else t
        self.form, self.x, self.labels = form, place(x), labels.flatten()
        self.names = list(parameters)
        self.leaves = [place(parameters[name]).requires_grad_() for name in self.names]
        self.tangents = [place(tangents[name]) for name in self.names]

    @staticmethod
    def _tensors(part):
        import torch

        if isinstance(part, dict):
            return {name: torch.tensor(array) for name, array in part.items()}
        return torch.tensor(part)

    def loss(self, leaves):
        from torch.nn import functional

        logits = self.form(dict(zip(self.names, leaves)), self.x)
        return functional.cross_entropy(logits.flatten(0, -2), self.labels)


def gradient_eager(problem):
    import torch

    return lambda: torch.autograd.grad(problem.loss(problem.leaves), problem.leaves)


def gradient_compiled(problem):
    import torch

    loss = torch.compile(problem.loss)
    return lambda: torch.autograd.grad(loss(problem.leaves), problem.leaves)


def gradient_function_compiled(problem):
    import torch

    leaves = [leaf.detach() for leaf in problem.leaves]
    gradient = torch.compile(torch.func.grad(problem.loss))
    return lambda: gradient(leaves)


def product_cached(problem):
    """The double-backward graph is built once; a product is one pass over it."""
    import torch

    gradient = torch.autograd.grad(problem.loss(problem.leaves), problem.leaves, create_graph=True)
    return lambda: torch.autograd.grad(gradient, problem.leaves, problem.tangents, retain_graph=True)


def product_whole(problem):
    import torch

    def product():
        gradient = torch.autograd.grad(problem.loss(problem.leaves), problem.leaves, create_graph=True)
        return torch.autograd.grad(gradient, problem.leaves, problem.tangents)

    return product


def product_forward_over_reverse_compiled(problem):
    import torch

    leaves = [leaf.detach() for leaf in problem.leaves]
    gradient = torch.func.grad(problem.loss)
    product = torch.compile(lambda tangents: torch.func.jvp(gradient, (leaves,), (tangents,))[1])
    return lambda: product(problem.tangents)


def linearized(problem):
    import torch

    return torch.func.linearize(torch.func.grad(problem.loss), [leaf.detach() for leaf in problem.leaves])[1]


def product_linearized(problem):
    product = linearized(problem)
    return lambda: product(problem.tangents)


def product_linearized_compiled(problem):
    import torch

    product = torch.compile(linearized(problem))
    return lambda: product(problem.tangents)


METHODS = {
    "gradient": {
        "eager": gradient_eager,
        "compiled loss": gradient_compiled,
        "compiled functional gradient": gradient_function_compiled,
    },
    "product": {
        "cached double backward": product_cached,
        "linearized": product_linearized,
        "compiled forward over reverse": product_forward_over_reverse_compiled,
        "compiled linearized": product_linearized_compiled,
    },
}
MEMORY_METHODS = {"cached double backward": product_cached, "double backward": product_whole}


def candidates(options, arrays, methods):
    """What prepares an action in each configuration, by its name: form, layout, method."""
    import torch_networks

    layouts = {"": False, "channels_last": True} if options.network in engine_problem.IMAGES else {"": False}
    return {
        ", ".join(filter(None, (form_name, layout_name, method_name))): functools.partial(prepare, arrays, form, layout, method)
        for form_name, form in torch_networks.FORMS[options.network].items()
        for layout_name, layout in layouts.items()
        for method_name, method in methods.items()
        if options.network != "lstm" or is_worth_compiling(form_name, method_name)
    }


def is_worth_compiling(form_name, method_name):
    """Compiling 64 unrolled steps takes minutes, so of the LSTM only the likeliest is compiled."""
    likely = form_name == "LSTM by hand, table projected" and method_name in ("compiled loss", "compiled linearized")
    return likely or "compiled" not in method_name


def prepare(arrays, form, channels_last, method):
    return method(Problem(arrays, form, channels_last))


def in_numpy(dot):
    return lambda result: dot([tensor.detach().numpy() for tensor in result])


def growth(prepare):
    """By how many bytes the process grows at most for two products. Of a second time: in the first, code is loaded and pools are filled, which is no matter of the product."""
    twice(prepare)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = status_bytes("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    twice(prepare)
    return status_bytes("VmHWM") - before


def twice(prepare):
    action = prepare()
    action()
    action()


def status_bytes(key):
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(key + ":"))
    return 1024 * int(line.split()[1])


def prepare_turns(options):
    import torch

    # Before anything is computed, for all the processes that are forked.
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    arrays = engine_problem.read(options)
    growths = engine_choice.each_alone(growth, candidates(options, arrays, MEMORY_METHODS), options.patience)
    both = {quantity: candidates(options, arrays, methods) for quantity, methods in METHODS.items()}
    description, turn = engine_problem.contest(options, both, in_numpy(engine_problem.along(arrays)))
    description["checks"]["product_growth_bytes"] = growths
    return {"version": common.versions("torch"), **description}, turn


common.serve("torch_engine", prepare_turns, engine_problem.add_arguments)
