"""What llama-cpp-python writes, greedily: `llama_cpp_python.py FILE COUNT`.

Prompts are JSON lists of tokens on stdin, replies alike on stdout.
"""

import itertools
import json
import sys

import llama_cpp


def main(file: str, count: int) -> None:
    model = llama_cpp.Llama(file, n_ctx=1024, verbose=False)
    for line in sys.stdin:
        said: list[int] = []
        for token in itertools.islice(model.generate(json.loads(line), temp=0.0, repeat_penalty=1.0), count):
            said.append(token)
            if token == model.token_eos():
                break
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
