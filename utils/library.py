"""The learner's own library: `my.attention` is theirs where it passed its checks, else the reference."""


class My:
    def __getattr__(self, name):
        from utils import reference

        if name in reference.COMPONENTS:
            return reference.COMPONENTS[name]
        raise AttributeError(name)


my = My()
