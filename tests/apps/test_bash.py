# SPDX-License-Identifier: MPL-2.0
"""bash scripts: pipelines, here-documents, traps, job control without a terminal, process substitution, statuses."""

import pytest
from compare import Sandbox, cases, needs, without_pids

pytestmark = needs("bash", "bash")

SCRIPTS = {
    "pipeline": "seq 1 1000 | grep 5 | tail -n +3 | wc -l",
    "pipe status": "true | false | (exit 3); echo ${PIPESTATUS[@]}",
    "pipefail": "set -o pipefail; false | true; echo $?; true | true; echo $?",
    "sigpipe ends the writer": "yes | head -n 2; echo ${PIPESTATUS[@]}",
    "broken pipe is reported": "(trap '' PIPE; echo x; sleep 0.1; echo y) 2>/dev/null | head -n 1",
    "here document": "cat <<EOF\nvalue $((1 + 2)) $(echo sub)\nEOF\ncat <<-'EOF'\n\tliteral $x\n\tEOF",
    "large here document": "x=$(printf 'line %d\\n' {1..20000}); cat <<EOF | md5sum\n$x\nEOF",
    "here string": "read a b <<<'one two three'; echo \"$b|$a\"; tr a-z A-Z <<<shout",
    "exit trap": "trap 'echo exiting $?' EXIT; (exit 4); echo $?; exit 5",
    "err trap": "trap 'echo failed at $LINENO' ERR; true; false; true",
    "usr1 and usr2 traps": "trap 'echo one' USR1; trap 'echo two' USR2; kill -USR1 $$; kill -USR2 $$; kill -USR1 $$; echo end",
    "trap in a sub-shell is reset": "trap 'echo parent' USR1; (kill -USR1 $BASHPID; echo not reached); echo $?",
    "ignored signal is inherited": "trap '' TERM; bash -c 'kill -TERM $$; echo survived'",
    "term during wait": "trap 'echo caught' TERM; (sleep 0.2; kill -TERM $$) & wait; echo $?; wait; echo $?",
    "trap during sleep runs after it": "trap 'echo caught' USR1; (sleep 0.1; kill -USR1 $$) & sleep 0.4; echo done; wait",
    "child trap": "trap 'echo child' CHLD; set -m; sleep 0.05 & wait; echo end",
    "wait for one": "(sleep 0.1; exit 3) & a=$!; (exit 4) & b=$!; wait $a; echo $?; wait $b; echo $?; wait 1; echo $?",
    "wait -n": "(sleep 0.3; exit 3) & (exit 4) & wait -n; echo $?; wait -n; echo $?; wait -n; echo $?",
    "wait -n -p": "(exit 6) & p=$!; wait -n -p who; s=$?; [ $who = $p ] && echo same $s",
    "process substitution read": "diff <(seq 1 5) <(seq 2 6); paste <(echo a) <(echo b)",
    "process substitution write": "echo data | tee >(tr a-z A-Z >up) >/dev/null; sleep 0.3; cat up",
    "exec redirections": "exec 5<>f; echo hello >&5; exec 6<f; cat <&6; exec 5>&- 6<&-; echo x >&5; echo $?",
    "exec replaces": "exec echo replaced; echo not reached",
    "duplicate descriptors": "{ echo out; echo err >&2; } 2>&1 >f | sed s/^/piped:/; cat f",
    "swap stdout and stderr": "{ echo out; echo err >&2; } 3>&1 1>&2 2>&3 | sed s/^/p:/",
    "noclobber": "set -C; echo a >f; echo b >f; echo $?; echo c >|f; cat f",
    "sub-shells": "x=1; (x=2; cd /; echo $x $PWD); echo $x; echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL))",
    "exit code 127 and 126": "nonesuch; echo $?; echo data >f; ./f; echo $?; /; echo $?",
    "death by signals": 'for s in HUP INT TERM KILL USR1 SEGV ABRT PIPE ALRM; do sh -c "kill -$s \\$\\$"; echo $s $?; done 2>/dev/null',
    "exit codes wrap": "(exit 256); echo $?; (exit 257); echo $?; (exit -1); echo $?",
    "set -e": "set -e; false || echo handled; if false; then :; fi; ! true; f() { false; echo in f; }; f || echo f; f; echo never",
    "set -u": "set -u; echo ${x-unset}; (echo $x); echo $?",
    "set -x": "PS4='+ '; set -x; a=1; echo $a; [[ $a == 1 ]]; b=$(echo in)",
    "large loop": "s=0; for ((i = 0; i < 30000; i++)); do ((s += i)); done; echo $s",
    "many processes": "for i in {1..40}; do /bin/true; done; echo $?; for i in {1..20}; do (exit $i); done; echo $?",
    "many background jobs": "for i in {1..20}; do (echo $i >f$i) & done; wait; cat f{1..20} | paste -sd+ | bc",
    "arrays": "a=(x y 'z w'); a+=(v); echo ${#a[@]} \"${a[2]}\" ${!a[@]}; declare -A m=([k]=v [q]=r); echo ${m[k]} ${#m[@]}",
    "mapfile": "mapfile -t l < <(seq 1 5); echo ${#l[@]} ${l[4]}",
    "read with timeout": "read -t 0.1 x < <(sleep 1); echo $(( $? > 128 ))",
    "read delimiter and count": "printf 'a:b:c' | { read -d : x; read -n 1 y; echo $x $y; }",
    "read from a closed input": "exec 0<&-; read x; echo $?",
    "coproc": "coproc cat; echo ping >&${COPROC[1]}; read -u ${COPROC[0]} r; echo $r; exec {COPROC[1]}>&-; wait",
    "glob": "touch a1 a2 b1 .h; echo *; echo a?; echo [!a]*; shopt -s nullglob dotglob; echo z*; echo *h; mkdir -p d/e; shopt -s globstar; echo **",
    "brace expansion": "echo {a..e}{1,2} {01..03}; echo a{,b}c",
    "string operations": "s=hello.tar.gz; echo ${s%.*} ${s%%.*} ${s#*.} ${s^^} ${s/l/L} ${#s} ${s:2:3} ${x:=default} $x",
    "arithmetic": "echo $((2 ** 40)) $((0xff)) $((7 / 2)) $((-7 % 3)) $((1 << 62)); ((0)); echo $?",
    "regular expression": "[[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo ${BASH_REMATCH[2]}",
    "case": "for x in a ab 1 ''; do case $x in a) echo A;; a*) echo A+;; [0-9]) echo N;; *) echo other;; esac; done",
    "printf": "printf '%5d|%-5s|%05.1f|%x|%q\\n' 42 ab 3.14159 255 'a b'; printf -v v %03d 7; echo $v",
    "printf of a date": "TZ=UTC printf '%(%Y-%m-%d)T\\n' 0",
    "functions": "f() { local x=$1; ((x <= 1)) && echo 1 || echo $((x * $(f $((x - 1))))); }; f 10",
    "recursion": "f() { (($1 > 0)) && f $(($1 - 1)) || echo bottom; }; f 300",
    "getopts": "set -- -a -b val rest; while getopts ab: o; do echo $o $OPTARG; done; shift $((OPTIND - 1)); echo $1",
    "source a file": "echo 'v=5; return 3' >lib; . ./lib; echo $? $v",
    "umask": "umask 027; touch f; mkdir d; stat -c %a f d; umask",
    "cd, pwd and symlinks": "mkdir -p a/b; ln -s a/b l; cd l; basename $PWD; basename $(pwd -P); cd ..; [ -d l ] && echo back; cd - >/dev/null; basename $PWD",
    "pushd": "mkdir d; pushd d >/dev/null; basename $PWD; popd >/dev/null; [ -d d ] && echo ok",
    "test operators": "touch -d @1 o; touch n; [ n -nt o ] && echo newer; [ o -ot n ] && echo older; [ n -ef ./n ] && echo same; [ -s n ] || echo empty",
    "ulimit": "ulimit -n 64; ulimit -n; ulimit -f 100; ulimit -f; (ulimit -c 0; ulimit -c)",
    "descriptor limit": "ulimit -n 12; for i in 10 11; do (eval \"exec $i</dev/null\" && echo $i); done; bash -c 'exec 12</dev/null'; echo $?",
    "named pipe": "mkfifo p; (echo through >p) & cat p; wait; rm p",
    "two way named pipes": "mkfifo a b; (while read x; do echo $((x * 2)); done <a >b) & exec 3>a 4<b; for i in 1 2 3; do echo $i >&3; read r <&4; echo $r; done",
    "kill 0 and groups": "set -m; (trap 'exit 9' TERM; sleep 5 & wait) & sleep 0.2; kill -TERM -$!; wait $!; echo $?",
    "stop and continue a child": "sleep 0.3 & kill -STOP $!; jobs -r | wc -l; kill -CONT $!; wait $!; echo $?",
    "jobs -p counts": "sleep 1 & sleep 1 & jobs -p | wc -l; kill %1 %2; wait; echo",
    "disown": "sleep 0.2 & disown; jobs; echo none",
    "nested quoting": 'bash -c \'bash -c "echo \\"deep \\$((1+1))\\""\'',
    "eval and indirection": 'x=y; y=z; echo ${!x}; eval "echo \\$$x"; declare -n r=x; r=new; echo $x',
    "command substitution strips newlines": 'x=$(printf \'a\\n\\n\\n\'); echo "[$x]"; echo "[$(<f)]"',
    "time keyword": "TIMEFORMAT=timed; time true; time sleep 0.05",
    "exported functions": "f() { echo exported $1; }; export -f f; bash -c 'f x'",
    "environment": "A=1 bash -c 'echo $A'; echo [$A]; export B=2; env | grep ^B; unset B; env | grep -c ^B",
    "big argument list": "x=$(seq 1 20000); /bin/echo $x | wc -c",
    "argument list too long": "x=$(head -c 3000000 /dev/zero | tr '\\0' x); /bin/true $x; echo $?",
    "long pipeline of cats": "head -c 3000000 /dev/zero | cat | cat | cat | cat | wc -c",
    "select without a terminal": "printf '2\\n' | (select x in a b c; do echo chose $x; break; done) 2>/dev/null",
    "hash and type": "hash -r; ls >/dev/null; type -t ls cd f if; type -P sh >/dev/null && echo found",
    "times of zero": "times | wc -l",
    "restricted shell": "bash -r -c 'cd /'; echo $?",
    "last of a pipe": "shopt -s lastpipe; echo v | read x; echo $x",
    "seconds and random": "((SECONDS < 100)) && RANDOM=1 && a=$RANDOM && RANDOM=1 && [ $a = $RANDOM ] && echo seeded",
    "dev fd and dev stdin": "echo x | cat /dev/stdin; cat /dev/fd/3 3<<<three; echo err >/dev/stderr; echo n >/dev/null",
    "output to a full device": "echo x >/dev/full; echo $?",
    "append from several writers": "for i in 1 2 3 4; do (for j in {1..50}; do echo line >>f; done) & done; wait; sort f | uniq -c | sed 's/^ *//'",
}
STATUS = {"exit trap": 5, "err trap": 0, "set -e": 1, "trap in a sub-shell is reset": 0, "environment": 1, "hash and type": 0}


@pytest.mark.parametrize("name", cases({name: name for name in SCRIPTS}))
def test_script(sandbox: Sandbox, name: str) -> None:
    sandbox.check(["bash", "-c", SCRIPTS[name]], status=STATUS.get(name, 0), filter_stderr=without_pids)


@pytest.mark.parametrize("signal_name", ["HUP", "INT", "QUIT", "KILL", "TERM", "USR1", "ALRM", "PIPE", "ABRT", "FPE", "ILL", "BUS", "SEGV"])
def test_death_by_signal_is_the_exit_status(sandbox: Sandbox, signal_name: str) -> None:
    import signal

    number = getattr(signal, f"SIG{signal_name}")
    sandbox.check(["sh", "-c", f"kill -{signal_name} $$"], status=128 + number)


def test_script_from_standard_input(sandbox: Sandbox) -> None:
    sandbox.check(["bash", "-s", "arg"], stdin=b"echo $1\nread line\ndata for read\necho got $line\nexit 2\n", status=2)


def test_script_file_with_shebang_and_arguments(sandbox: Sandbox) -> None:
    sandbox.check(
        ["./run.sh", "one", "two words"], files={"run.sh": '#!/bin/bash -e\nfor a; do echo "<$a>"; done\nfalse\necho no\n'}, status=1
    )


def test_script_without_shebang_is_run_by_the_shell(sandbox: Sandbox) -> None:
    sandbox.check(["bash", "-c", "printf 'echo plain $0\\n' >s; chmod +x s; ./s"])


def test_dash(sandbox: Sandbox) -> None:
    script = (
        "f() { echo $1; }; f x; i=0; while [ $i -lt 100 ]; do i=$((i+1)); done; echo $i; trap 'echo t' TERM; kill $$; wait; echo end | cat"
    )
    sandbox.check(["dash", "-c", script])
