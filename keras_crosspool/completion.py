"""Prints a script by which bash or zsh complete the verbs of crosspool and their flags.

The flags are those that the commands define in this installation, so write the script anew after
an update. It has to be read by the shell:

    crosspool completion bash > ~/.local/share/bash-completion/completions/crosspool
    crosspool completion zsh > ~/.crosspool.zsh; echo 'source ~/.crosspool.zsh' >> ~/.zshrc
"""

import dataclasses
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent import futures

from absl import logging

from keras_crosspool.cli import VERBS
from keras_crosspool.mains import run

_FUNCTION = """\
# Completion of crosspool, made by `crosspool completion {shell}`.
_crosspool_flags() {{
    case "$1" in
{flags}
    esac
}}
_crosspool_values() {{
    case "$1" in
{values}
        *) return 1 ;;
    esac
}}
_crosspool() {{
    local line="${{COMP_LINE:0:COMP_POINT}}"
    local word="${{line##*[[:space:]]}}" verb="${{COMP_WORDS[1]}}" choices="" flag values
    COMPREPLY=()
    [[ $COMP_CWORD -ge 2 && " {groups} " == *" $verb "* ]] && choices="$(_crosspool_verbs "$verb")"
    if [[ $COMP_CWORD -ge 3 && " $choices " == *" ${{COMP_WORDS[2]}} "* ]]; then
        verb="$verb ${{COMP_WORDS[2]}}"
        choices=""
    fi
    [[ $verb == launch && $line == *" -- "* ]] && verb=train
    if [[ $COMP_CWORD -lt 2 ]]; then
        COMPREPLY=($(compgen -W "$(_crosspool_verbs '')" -- "$word"))
    elif [[ $word == -*=* ]]; then
        flag="${{word%%=*}}" word="${{word#*=}}"
        if values="$(_crosspool_values "$verb $flag")"; then
            COMPREPLY=($(compgen -W "$values" -- "$word"))
        else
            _crosspool_files "$word"
        fi
        # Where the shell takes --flag=value for one word, the answer has to begin with --flag=.
        [[ "${{COMP_WORDBREAKS-}}" == *=* ]] || COMPREPLY=("${{COMPREPLY[@]/#/$flag=}}")
    elif [[ -n $choices && $COMP_CWORD -eq 2 && $word != -* ]]; then
        COMPREPLY=($(compgen -W "$choices" -- "$word"))
    elif [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$(_crosspool_flags "$verb")" -- "$word"))
        [[ "${{COMPREPLY[0]-}}" == *= ]] && compopt -o nospace 2>/dev/null
    else
        _crosspool_files "$word"
    fi
    return 0
}}
_crosspool_files() {{
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$1"))
}}
_crosspool_verbs() {{
    case "$1" in
{verbs}
    esac
}}
"""
_ENDS = {
    "bash": "complete -F _crosspool crosspool\n",
    "zsh": "autoload -U +X bashcompinit && bashcompinit\n"
    "complete -o nospace -F _crosspool crosspool\n",
}
_PLAIN = re.compile(r"[\w.+@:-]+")  # what a script may hold unquoted


def main(shells):
    if len(shells) != 1 or shells[0] not in _ENDS:
        raise ValueError(
            f"Expected the name of a shell: {' or '.join(_ENDS)}. "
            f"Received: {' '.join(shells) or 'none'}"
        )
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        flags = dict(zip(VERBS, pool.map(verb_flags, VERBS), strict=True))
    print(completion_script(shells[0], flags), end="")


@dataclasses.dataclass(frozen=True)
class Flag:
    """A flag of a verb.

    Attributes:
        name: str, without dashes.
        is_bool: whether it is written without a value. Defaults to `False`.
        values: tuple of str, the values that it takes; empty, the default, if they are not few.
    """

    name: str
    is_bool: bool = False
    values: tuple = ()


def verb_flags(verb):
    """The flags that the main of a verb defines, as that main itself tells.

    Args:
        verb: str, a key of `keras_crosspool.cli.VERBS`.

    Returns:
        List of `Flag`; empty, with a warning, where the main cannot start here.
    """
    done = subprocess.run(
        [sys.executable, "-m", "keras_crosspool.cli", *verb.split(), "--helpxml"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        logging.warning("no flags of crosspool %s: %s", verb, done.stderr.strip())
        return []
    return read_flags(done.stdout)


def read_flags(text):
    """The flags of a main from what it prints for `--helpxml`.

    Args:
        text: str, XML.

    Returns:
        List of `Flag`, those of the main itself.
    """
    return [
        Flag(
            flag.findtext("name"),
            flag.findtext("type") == "bool",
            tuple(value.text for value in flag.findall("enum_value") if _is_plain(value.text)),
        )
        for flag in ElementTree.fromstring(text).iter("flag")
        if flag.findtext("key") == "yes"
    ]


def completion_script(shell, flags):
    """The script that a shell reads to complete `crosspool`.

    Args:
        shell: str, `"bash"` or `"zsh"`.
        flags: dict from verb to list of `Flag`.

    Returns:
        str.
    """
    values = {
        f"{verb} --{flag.name}": flag.values
        for verb in flags
        for flag in flags[verb]
        if flag.values
    }
    verbs = {"": dict.fromkeys(verb.split()[0] for verb in flags)}
    for first, second in (verb.split() for verb in flags if " " in verb):
        verbs.setdefault(first, {})[second] = None
    verbs["completion"] = dict.fromkeys(_ENDS)
    script = _FUNCTION.format(
        shell=shell,
        groups=" ".join(filter(None, verbs)),
        flags=_cases({verb: [w for flag in flags[verb] for w in _words(flag)] for verb in flags}),
        values=_cases(values),
        verbs=_cases(verbs),
    )
    return script + _ENDS[shell]


def _words(flag):
    return (f"--{flag.name}", f"--no{flag.name}") if flag.is_bool else (f"--{flag.name}=",)


def _cases(words):
    return "\n".join(f"        '{key}') echo '{' '.join(words[key])}' ;;" for key in words)


def _is_plain(value):
    return _PLAIN.fullmatch(value or "") is not None


if __name__ == "__main__":
    run(main, positional="SHELL")
