# Writes what cProfile and pstats of this Python make of a small program: the
# profile, and beside it the table that `profscope top` is compared with.
#
#     python3.X -c "exec(compile(open('record.py').read(), 'record.py', 'exec'))" python3.X
#
# so that no file name is the machine's.
import cProfile
import io
import pstats
import sys


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


class Größe:
    def __init__(self, n):
        self.n = n

    def squares(self):
        for i in range(self.n):
            yield i * i

    def __len__(self):
        return sum(1 for _ in self.squares())


def fails():
    try:
        raise ValueError("x")
    except ValueError:
        return "{:>10} {!r}".format("x", [1, 2, 3])


def main():
    fib(18)
    even(200)
    len(Größe(20000))
    for _ in range(5):
        fails()
    sorted(range(20000), key=lambda x: -x)


def record(name):
    p = cProfile.Profile()
    p.runcall(main)
    p.dump_stats(name + ".prof")
    out = io.StringIO()
    pstats.Stats(name + ".prof", stream=out).sort_stats("cumulative").print_stats()
    with open(name + ".txt", "w", encoding="utf-8") as f:
        f.write(out.getvalue())


if __name__ == "__main__":
    record(sys.argv[1])
