"""What timing needs of the Keras backend in use: its compiler, its gradients, its waiting."""


def current_backend():
    """The Keras backend that is set.

    Returns:
        Object with `name`; `packages`, those that it comes in; `device`, the name of the GPU, or
        `"CPU"`; `bind(function, *inputs)`, a compiled call without arguments;
        `pullback(function)`, a function of a cotangent and the function's inputs that gives its
        output and the gradients of the inputs; and `wait(results)`, which returns when the device
        has computed them.

    Raises:
        ValueError: if that backend has no gradients.
    """
    import keras

    name = keras.backend.backend()
    if name not in _BACKENDS:
        raise ValueError(
            f"The Keras backend must be one of {', '.join(_BACKENDS)}: set KERAS_BACKEND. "
            f"Received: {name}"
        )
    return _BACKENDS[name]()


class _TensorFlow:
    name = "tensorflow"
    packages = ("tensorflow", "tensorflow_cpu")

    @property
    def device(self):
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "CPU"

    def bind(self, function, *inputs):
        import tensorflow as tf

        traced = tf.function(function, autograph=False).get_concrete_function(*inputs)
        return lambda: traced(*inputs)

    def pullback(self, function):
        import tensorflow as tf

        def run(cotangent, *inputs):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                output = function(*inputs)
            return output, tape.gradient(output, inputs, output_gradients=cotangent)

        return run

    def wait(self, results):
        import tensorflow as tf

        tf.test.experimental.sync_devices()


class _Jax:
    name = "jax"
    packages = ("jax", "jaxlib")

    @property
    def device(self):
        import jax

        device = jax.devices()[0]
        return "CPU" if device.platform == "cpu" else device.device_kind

    def bind(self, function, *inputs):
        import jax

        compiled = jax.jit(function)
        return lambda: compiled(*inputs)

    def pullback(self, function):
        import jax

        def run(cotangent, *inputs):
            output, pull = jax.vjp(function, *inputs)
            return output, pull(cotangent)

        return run

    def wait(self, results):
        import jax

        jax.block_until_ready(results)


class _Torch:
    """Runs eagerly, as Keras does under PyTorch unless asked to compile."""

    name = "torch"
    packages = ("torch",)

    @property
    def device(self):
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"

    def bind(self, function, *inputs):
        constants = [x.detach() for x in inputs]  # so that a forward pass records no gradients
        return lambda: function(*constants)

    def pullback(self, function):
        import torch

        def run(cotangent, *inputs):
            leaves = [x.detach().requires_grad_() for x in inputs]
            output = function(*leaves)
            return output.detach(), torch.autograd.grad(output, leaves, cotangent)

        return run

    def wait(self, results):
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()


_BACKENDS = {backend.name: backend for backend in (_TensorFlow, _Jax, _Torch)}
