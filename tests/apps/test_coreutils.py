# SPDX-License-Identifier: MPL-2.0
"""coreutils: the calls of every day on files, links, modes, times and streams."""

import pytest
from compare import Sandbox, cases, needs, without_pids

pytestmark = needs("stat", "coreutils")

FILES = {
    "lines.txt": "".join(f"{i * 7919 % 1000} word{i % 13} {'x' * (i % 5)}\n" for i in range(500)),
    "left.txt": "1 a\n2 b\n3 c\n",
    "right.txt": "1 x\n3 y\n4 z\n",
    "tree/one": "1\n",
    "tree/sub/two": "22\n",
    "tree/sub/deep/three": "333\n",
    "program": "#!/bin/sh\necho ran\n",
    "bytes.bin": bytes(range(256)) * 64,
}

SCRIPTS = {
    "ls -l": "chmod 600 left.txt; ls -l --time-style=+%s left.txt right.txt program lines.txt",
    "ls of a directory": "ls; ls -a tree; ls -p tree; ls -1F; ls -R tree; ls -d */",
    "ls sorts by time and size": "touch -d @5 a; touch -d @9 b; touch -d @7 c; ls -t a b c; ls -S bytes.bin left.txt lines.txt; ls -tr a b c",
    "ls of what is missing": "ls missing lines.txt; echo $?",
    "ls numeric owners": "ls -n left.txt | cut -d' ' -f1-5; ls -go left.txt",
    "stat formats": "stat -c '%n %s %f %a %A %F %h %u %g %X %Y' left.txt tree/one program; stat -c %F tree /dev/null",
    "stat of a link": "ln -s left.txt l; stat -c '%N %F %s' l; stat -L -c '%F %s' l",
    "stat of a terse missing file": "stat missing; echo $?",
    "stat -f": "stat -f -c %l .",
    "cp": "cp lines.txt copy; cmp lines.txt copy && echo same; cp -p left.txt p; stat -c '%Y %a' p",
    "cp -a of a tree": "ln -s one tree/link; cp -a tree copy; find copy -printf '%p %y %l %m\\n' | sort; find copy -type f -printf '%p %T@\\n' | sort",
    "cp -r over an existing one": "mkdir d; cp -r tree d; cp -r tree/. d/flat; find d | sort",
    "cp --sparse": "truncate -s 1M s; printf x >>s; cp --sparse=always s t; cmp s t && stat -c %s t",
    "cp -n, -u, -b": "echo new >n; cp -n n left.txt; cat left.txt; cp -b n left.txt; ls left*; cp -u right.txt left.txt; cat left.txt",
    "cp of links and hard links": "ln left.txt h; cp -a left.txt h d 2>/dev/null || (mkdir d; cp -a left.txt h d); stat -c %h d/h",
    "mv": "mv left.txt moved; ls left.txt moved; mkdir d; mv moved right.txt d; ls d; mv d/moved d/again; ls d; mv d e; ls e",
    "mv of a tree": "mv tree wood; find wood | sort; mkdir d; mv wood d/; find d | sort",
    "mv between file systems": "mv tree /tmp/tree.$$; find /tmp/tree.$$ -type f | wc -l; mv /tmp/tree.$$ back; find back | sort",
    "mv -n and -f": "echo n >n; mv -n n left.txt; cat n left.txt; mv -f n left.txt; cat left.txt; ls n",
    "mv onto a directory that is not empty": "mkdir -p d/tree/x; mv tree d; echo $?",
    "ln": "ln left.txt hard; ln -s left.txt soft; stat -c '%h %n' left.txt hard; readlink soft; cat soft; rm left.txt; cat hard; cat soft",
    "ln -sf and -r": "mkdir -p a/b; ln -s x l; ln -sf y l; readlink l; ln -sr left.txt a/b/r; readlink a/b/r; cat a/b/r | head -n 1",
    "symbolic link loops": "ln -s b a; ln -s a b; cat a; echo $?; readlink -f a; echo $?",
    "rm": "rm left.txt; rm missing; echo $?; rm -f missing; rm tree; echo $?; rm -r tree; ls -d tree; rm -v right.txt",
    "rmdir and mkdir": "mkdir -p x/y/z; rmdir x; echo $?; rmdir -p x/y/z; ls -d x; mkdir -m 750 m; stat -c %a m; mkdir m; echo $?",
    "rm -rf of a large tree": "for i in $(seq 20); do mkdir -p big/$i/a/b; echo $i >big/$i/a/b/f; done; find big | wc -l; rm -rf big; ls -d big",
    "du of apparent sizes": "du --apparent-size -b lines.txt bytes.bin; du -c -b lines.txt bytes.bin | tail -n 1",
    "truncate and size": "truncate -s 100 f; stat -c %s f; truncate -s +50 f; stat -c %s f; truncate -s 10 f; stat -c %s f; truncate -s 1G f; stat -c %s f",
    "sort": "sort lines.txt | md5sum; sort -n lines.txt | md5sum; sort -k2,2 -k1,1nr lines.txt | md5sum; sort -u -k2,2 lines.txt | wc -l",
    "sort of a large input": "seq 200000 -1 1 | sort -n | md5sum",
    "sort with little memory uses files": "seq 50000 | sort -R --random-source=bytes.bin | sort -n -S 100k -T . | md5sum; ls | wc -l",
    "sort --parallel": "seq 300000 -1 1 | sort -n --parallel=2 -S 50M | tail -n 1",
    "sort -c and -m": "sort -c left.txt; echo $?; sort -rc left.txt; echo $?; sort -m left.txt right.txt",
    "uniq": "cut -d' ' -f2 lines.txt | sort | uniq -c; printf 'a\\na\\nb\\n' | uniq -d; printf 'a\\nA\\nb\\n' | uniq -i",
    "cut": "cut -d' ' -f1,3 lines.txt | head -n 3; cut -c2-4 left.txt; cut -b1 left.txt; echo a:b:c | cut -d: --complement -f2",
    "tr": "echo Hello | tr a-zA-Z n-za-mN-ZA-M; echo aabbcc | tr -s ab; echo a1b2 | tr -d 0-9; echo x | tr x '\\101'",
    "head and tail": "head -n 2 lines.txt; tail -n 2 lines.txt; head -c 5 lines.txt; tail -c 5 lines.txt; head -n -498 lines.txt; tail -n +499 lines.txt",
    "head and tail of a large file": "seq 300000 >big; head -n 100000 big | tail -n 1; tail -n 1 big; tail -c 1000000 big | md5sum; head -c 1000000 big | md5sum",
    "tail -f until the writer ends": "touch log; (for i in 1 2 3; do echo $i; sleep 0.1; done) >log & tail -f --pid=$! -s 0.05 log; wait",
    "split": "split -l 100 lines.txt part.; ls part.*; cat part.* | cmp - lines.txt && echo whole; split -b 5000 -d bytes.bin b.; wc -c b.*",
    "csplit": "seq 20 >s; csplit -q s 5 '/1[05]/' '{1}'; wc -l xx*",
    "join": "join left.txt right.txt; join -a 1 -a 2 -e - -o auto left.txt right.txt; join -v 1 left.txt right.txt",
    "paste": "paste left.txt right.txt; paste -sd, left.txt; seq 6 | paste - - -",
    "comm": "sort left.txt >a; sort right.txt >b; comm a b; comm -12 a b",
    "seq": "seq 5; seq 2 3 11; seq -w 8 11; seq -s, 5; seq 0.5 0.25 1.5; seq 3 -1 1; seq -f %03g 2",
    "wc": "wc lines.txt left.txt; wc -l <lines.txt; printf 'ä\\n' | wc -mc; wc -L left.txt",
    "checksums": "sha256sum lines.txt bytes.bin | tee sums; sha256sum -c sums; md5sum bytes.bin; sha1sum <left.txt; cksum left.txt; b2sum left.txt; sum left.txt",
    "checksum that fails": "sha256sum left.txt >s; echo x >>left.txt; sha256sum -c s; echo $?",
    "tee": "echo data | tee a b; cat a b; echo more | tee -a a; cat a; echo x | tee /dev/full; echo $?",
    "tee into processes": "seq 3 | tee >(tr 1 x >up) | cat; sleep 0.3; cat up",
    "timeout": "timeout 0.2 sleep 5; echo $?; timeout 5 true; echo $?; timeout -s KILL 0.2 sleep 5; echo $?; timeout 5 sh -c 'exit 9'; echo $?",
    "timeout -k": "timeout -k 0.2 0.2 sh -c 'trap \"\" TERM; sleep 3; sleep 3'; echo $?",
    "timeout of nothing to run": "timeout 1 nonesuch; echo $?; timeout 1 ./left.txt; echo $?",
    "env": "env -i A=1 /usr/bin/env; env -u HOME sh -c 'echo [$HOME]'; env -C tree ls; env B=2 sh -c 'echo $B'; env nonesuch; echo $?",
    "env -S": "env -S 'A=1 sh -c \"echo $A\"' | wc -l; env --ignore-signal=TERM sh -c 'kill $$; echo alive'",
    "nohup": "nohup sh -c 'kill -HUP $$; echo alive' 2>/dev/null",
    "nice": "nice; nice -n 5 nice; nice -n 3 nice -n 4 nice",
    "mktemp": "f=$(mktemp ./x.XXXXXX); stat -c '%a %s' $f; d=$(mktemp -d -p . d.XXX); stat -c %a $d; t=$(mktemp); dirname $t; rm $t; mktemp -u ./a.XXXXXX | wc -c",
    "touch": "touch -d '2020-02-29 12:34:56.123456789' a; stat -c '%y %x' a; touch -r left.txt b; stat -c %Y b; touch -a -d @5 a; stat -c '%X %Y' a; touch -c no; ls no",
    "touch -h and -t": "ln -s left.txt l; touch -h -d @77 l; stat -c %Y l left.txt; touch -t 199912312359.58 c; stat -c %y c; touch missing/x; echo $?",
    "chmod": "chmod 640 left.txt; stat -c %a left.txt; chmod u+x,g=u,o= left.txt; stat -c %A left.txt; chmod -R a-w tree; find tree -printf '%p %m\\n' | sort; chmod +t tree; stat -c %A tree; chmod u+w -R tree",
    "chmod of set bits": "chmod 6755 program; stat -c %A program; chmod u-s program; stat -c %a program; chmod --reference=left.txt program; stat -c %a program",
    "umask and modes": "umask 077; echo x >f; mkdir d; stat -c %a f d; umask 0; echo x >g; stat -c %a g",
    "chown": "chown $(id -u):$(id -g) left.txt; echo $?; stat -c '%u %g' left.txt | sed \"s/$(id -u)/me/g;s/$(id -g)/mine/g\"; chgrp $(id -g) right.txt; echo $?",
    "mkfifo": "mkfifo -m 640 p; stat -c '%A %F' p; (cat p | tr a-z A-Z) & echo fifo >p; wait",
    "mknod of a fifo": "mknod q p; stat -c %F q; test -p q && echo pipe",
    "dd": "dd if=bytes.bin of=o bs=1000 skip=1 count=3; stat -c %s o; dd if=left.txt of=o bs=1 seek=10 conv=notrunc; od -c o | head -n 2",
    "dd conversions": "echo hello | dd conv=ucase 2>/dev/null; echo abcdef | dd conv=swab 2>/dev/null; dd if=/dev/zero bs=1M count=8 2>/dev/null | md5sum",
    "dd of blocks": "dd if=/dev/zero of=z bs=64k count=16 oflag=append conv=notrunc status=none; stat -c %s z; dd if=z bs=4k count=1 iflag=fullblock status=none | wc -c; dd if=z of=z2 conv=fsync status=none; cmp z z2 && echo same",
    "id": "id -u; id -g; id -un; id -gn; [ $(id -u) = 0 ] && echo root; whoami; groups | wc -w",
    "printf": "printf '%s-%d-%x-%o-%e-%5.2f-%c\\n' str 42 255 8 1234.5 3.14159 z; printf '%b' 'a\\tb\\n'; printf '%d\\n' x; echo $?",
    "tac and rev": "tac left.txt; rev left.txt; printf 'no newline' | tac",
    "shuf": "shuf -i 1-20 --random-source=bytes.bin | paste -sd' '; shuf -n 3 --random-source=bytes.bin left.txt; seq 5 | shuf | sort | paste -sd' '",
    "od": "od -A x -t x1z bytes.bin | head -n 3; od -c left.txt | head -n 2; od -An -tu2 -N 8 bytes.bin; od -j 250 -N 6 -tx1 bytes.bin",
    "base64 and base32": "base64 left.txt; base64 -d <<'E'\naGVsbG8K\nE\nbase32 left.txt; base64 -w 0 bytes.bin | md5sum",
    "realpath and readlink": "d=$(pwd); ln -s tree/sub l; realpath l | sed s,$d,D,; realpath -s l | sed s,$d,D,; realpath --relative-to=tree l; readlink -f tree/../l/deep | sed s,$d,D,; readlink left.txt; echo $?; realpath missing/x; echo $?",
    "basename and dirname": "basename /a/b/c.txt .txt; dirname /a/b/c; basename -a x/y z/w; dirname a",
    "expr and test": "expr 6 '*' 7; expr length hello; expr abc : 'a\\(.\\)c'; expr 1 / 0; echo $?; test 1 -lt 2; echo $?; [ a = b ]; echo $?",
    "factor and numfmt": "factor 360 97 1000000007; numfmt --to=iec 1048576 1500; numfmt --from=si 2K; nproc | grep -c '[0-9]'",
    "fold, fmt, nl, pr, expand": "fold -w 3 left.txt; fmt -w 20 lines.txt | head -n 3; nl left.txt; printf 'a\\tb\\n' | expand; echo 'a       b' | unexpand -a | od -c | head -n 1",
    "yes and head": "yes | head -n 100000 | md5sum; yes no | head -n 2",
    "cat": "cat left.txt - right.txt <tree/one; cat -A left.txt; cat -n right.txt; cat missing; echo $?; cat tree; echo $?; cat <bytes.bin | cmp - bytes.bin && echo same",
    "cat onto its input": "cat left.txt >>left.txt; echo $?",
    "date": "date -u -d @0; date -u -d '2024-02-29 +1 year' +%F; date -u -d @1700000000 '+%A %j %U %s %N'; date -u -r left.txt +%s; TZ=America/New_York date -d @0 +%H",
    "sleep": "sleep 0.01 0.01; sleep x; echo $?",
    "sync": "sync left.txt; echo $?; sync -d left.txt; echo $?; sync; echo $?",
    "install": "install -m 750 program bin; stat -c %a bin; install -d a/b/c; find a; install -D left.txt x/y/z; cat x/y/z; install -p right.txt k; stat -c %Y k",
    "link and unlink": "link left.txt k; stat -c %h k; unlink left.txt; stat -c %h k; unlink tree; echo $?",
    "shred and rm": "echo secret >s; shred -n 1 -u s; ls s; echo $?",
    "stdbuf": "stdbuf -oL seq 3; stdbuf -o0 echo x | cat",
    "pathchk and truncated names": "pathchk -p a/b; echo $?; n=$(printf 'x%.0s' $(seq 300)); touch $n; echo $?; n=$(printf 'x%.0s' $(seq 255)); touch $n; ls | grep -c xxxx",
    "dircolors and tsort": "printf 'a b\\nb c\\n' | tsort; dircolors -b | head -c 9",
    "uname": "uname -s; uname -m; uname -o",
    "logname tty and who fail the same": "tty; echo $?; tty -s; echo $?",
    "stty without a terminal": "stty; echo $?",
    "many files": "mkdir m; cd m; for i in $(seq 500); do : >f$i; done; ls | wc -l; ls | sort | md5sum; rm f1*; ls | wc -l; cd ..; rm -r m",
    "deep directories": "d=.; for i in $(seq 60); do d=$d/deep; done; mkdir -p $d; touch $d/f; find . -name f | wc -c; rm -r deep; ls -d deep",
    "names with odd bytes": "printf x >\"a b\"; printf x >'new\nline'; printf x >$(printf '\\377\\376'); ls | od -c | head; ls -b; rm -- 'a b'; touch -- -dash; ls; rm -- -dash",
    "unreadable to an ordinary user, readable to root": "chmod 000 left.txt; if [ $(id -u) = 0 ]; then cat left.txt; else cat left.txt 2>&1; fi; echo; chmod 644 left.txt",
    "holes and fallocate": "fallocate -l 100000 f; stat -c %s f; fallocate -p -o 0 -l 4096 f; echo $?; cmp -n 4096 f /dev/zero && echo zeros",
    "xattr through cp": "cp --preserve=all left.txt c; echo $?; stat -c '%a %Y' c",
    "write beyond the size limit": "(ulimit -f 1; trap '' XFSZ; head -c 5000 /dev/zero >f); stat -c %s f",
    "killed by the size limit": "(ulimit -f 1; head -c 5000 /dev/zero >f); echo $?",
    "remove the current directory": "mkdir d; cd d; rmdir ../d; ls; echo $?; pwd -P >/dev/null 2>&1; echo > f; echo $?",
    "open file survives its removal": "exec 3<left.txt; rm left.txt; cat <&3; ls left.txt",
    "rename over an open file": "exec 3<left.txt; mv right.txt left.txt; cat <&3; cat left.txt",
}


@pytest.mark.parametrize("name", cases({name: name for name in SCRIPTS}))
def test_command(sandbox: Sandbox, name: str) -> None:
    sandbox.check(["bash", "-c", SCRIPTS[name] + "\ntrue"], files=FILES, filter_stderr=without_pids)


def test_commands_pass_their_status(sandbox: Sandbox) -> None:
    sandbox.check(["/usr/bin/false"], status=1)
    sandbox.check(["/usr/bin/env", "sh", "-c", "exit 42"], status=42)
    sandbox.check(["cat", "missing"], status=1)


def test_standard_input_passes_through(sandbox: Sandbox) -> None:
    sandbox.check(["cat"], stdin=bytes(range(256)) * 4000)


def test_large_output_passes_through(sandbox: Sandbox) -> None:
    sandbox.check(["seq", "200000"])
