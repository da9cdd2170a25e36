# SPDX-License-Identifier: MPL-2.0
"""find, grep, sed, awk, xargs, diff, patch, tar and the compressors."""

import pytest
from compare import Sandbox, cases, needs

FILES = {
    "poem.txt": "the quick brown fox\njumps over the lazy dog\nThe End\n\nfoo=1; bar=22\n",
    "old.c": "int a;\nint b;\nint main() {\n  return 0;\n}\n",
    "new.c": "int a;\nint c;\nint main() {\n  return 1;\n}\n/* end */\n",
    "data.csv": "".join(f"{i},name{i % 7},{i * i % 101}\n" for i in range(300)),
    "t/a.txt": "alpha\n",
    "t/b.log": "beta\n",
    "t/s/c.txt": "gamma\n" * 100,
    "t/s/empty": "",
    "bin.dat": bytes(i * i % 251 for i in range(70000)),
}

FIND = {
    "names": "find t | sort; find t -name '*.txt' | sort; find t -iname 'A*'; find t -path '*/s/*' | sort",
    "types and sizes": "find t -type d | sort; find t -type f -size +1c | sort; find t -empty; find . -size +60k | sort",
    "times": "touch t/a.txt; find t -newer poem.txt | sort; find t -mmin -5 -type f; find poem.txt -newermt 2000-01-01",
    "printf": "find t -printf '%P %y %d %m\\n' | sort; find t -type f -printf '%s %f %h\\n' | sort",
    "exec and execdir": "find t -type f -exec wc -c {} + | sort; find t -name a.txt -execdir echo {} \\;; find t -name '*.txt' -exec grep -l gamma {} \\;",
    "delete and prune": "find t -name s -prune -o -type f -print | sort; find t -type f -delete; find t | sort",
    "depth": "find t -maxdepth 1 | sort; find t -mindepth 2 | sort; find t -depth | tail -n 1",
    "links": "ln -s ../poem.txt t/l; ln poem.txt t/h; find t -type l; find -L t -samefile poem.txt | sort; find t -links 2; ln -s . t/loop; find -L t 2>&1 | wc -l",
    "permissions": "chmod 600 t/a.txt; find t -perm 600; find t -perm /o=r -type f | sort; find t -writable -name a.txt",
    "missing": "find missing; echo $?",
    "print0 and xargs -0": "touch 't/with space'; find t -type f -print0 | xargs -0 ls -1 | sort",
    "of the system": "find /usr/share/common-licenses -type f | wc -l; find /usr/bin -maxdepth 1 -name 'ba*' | sort",
}
GREP = {
    "plain": "grep the poem.txt; grep -c the poem.txt; grep -i the poem.txt; grep -v o poem.txt; grep -n '^$' poem.txt",
    "recursive": "grep -r gamma t | wc -l; grep -rl a t | sort; grep -rc a t | sort; grep -r --include='*.log' b t",
    "extended and fixed": "grep -E '(fox|dog)$' poem.txt; grep -F 'o=1' poem.txt; grep -o '[a-z]*o[a-z]*' poem.txt; grep -w the poem.txt",
    "perl expressions": "grep -P '\\d+(?=;)' poem.txt; grep -oP '(?<=bar=)\\d+' poem.txt",
    "context": "grep -A 1 -B 1 lazy poem.txt; grep -C 0 -n fox poem.txt; grep -m 1 the poem.txt",
    "statuses": "grep -q fox poem.txt; echo $?; grep -q wolf poem.txt; echo $?; grep x missing; echo $?; grep -s x missing; echo $?; grep x t; echo $?",
    "binary": "grep -c . bin.dat >/dev/null; echo $?; grep -a -c x bin.dat; printf 'a\\0b\\n' | grep a",
    "standard input": "seq 100000 | grep -c 9; cat poem.txt | grep -H fox; echo a | grep -e a -e b; printf 'fox\\ndog\\n' >p; grep -f p poem.txt",
    "large file": "seq 400000 >big; grep -c 7 big; grep -x 399999 big",
}
SED = {
    "substitute": "sed s/the/THE/ poem.txt; sed 's/o/0/2g' poem.txt; sed -E 's/(\\w+) (\\w+)/\\2 \\1/' poem.txt; sed -n 's/fox/wolf/p' poem.txt",
    "addresses": "sed -n 2p poem.txt; sed 2,3d poem.txt; sed '/^$/d' poem.txt; sed -n '/jumps/,$p' poem.txt; sed '1~2d' poem.txt; sed '$!d' poem.txt",
    "in place": "sed -i s/fox/cat/ poem.txt; cat poem.txt; sed -i.bak 1d poem.txt; cmp poem.txt poem.txt.bak; ls poem*",
    "scripts": "sed -e 1i\\\\top -e '$a\\\\bottom' poem.txt; sed 'N;s/\\n/+/' poem.txt; sed '1!G;h;$!d' poem.txt; sed y/abc/xyz/ poem.txt; sed = old.c | head -n 4",
    "write and quit": "sed -n '/the/w out' poem.txt; cat out; sed 2q poem.txt; sed '3q7' poem.txt; echo $?; sed -s -n 1p old.c new.c",
    "branches": "echo aaa | sed ':l;s/a/b/;tl'; seq 5 | sed -n '/3/!{p}'; echo x | sed 's/x/a\\nb/'; printf 'a\\0b\\0' | sed -z 's/^/-/' | tr '\\0' '\\n'",
    "large": "seq 100000 | sed 's/1/one/g' | md5sum",
}
AWK = {
    "fields": "awk '{ print $2, NF }' poem.txt; awk -F, '$3 > 95 { print $1 \":\" $3 }' data.csv; awk -F= '/foo/ { print $2 }' poem.txt",
    "sums and arrays": "awk -F, '{ s[$2] += $3 } END { for (k in s) print k, s[k] }' data.csv | sort; awk 'END { print NR }' data.csv",
    "functions": "awk 'function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { print f(17) }'; awk 'BEGIN { printf \"%5.2f|%s|%d\\n\", 3.14159, \"s\", 42.9 }'",
    "strings": 'awk \'BEGIN { s = "hello world"; gsub(/o/, "0", s); print s, length(s), substr(s, 1, 4), index(s, "w"), toupper(s); n = split("a:b:c", p, ":"); print n, p[3] }\'',
    "pipes and commands": 'awk \'BEGIN { while (("seq 3" | getline x) > 0) print "got", x; print "b\\na" | "sort"; close("sort"); system("echo sys"); exit 3 }\'; echo $?',
    "output files": "awk -F, '{ print $1 > (\"out.\" $2) }' data.csv; wc -l out.* | tail -n 1; ls out.*",
    "environment and arguments": "X=5 awk -v y=6 'BEGIN { print ENVIRON[\"X\"] + y, ARGC, ARGV[1] }' arg",
    "large": "seq 200000 | awk '{ s += $1 % 7 } END { print s }'",
}
XARGS = {
    "batches": "seq 10 | xargs -n 3 echo; seq 3 | xargs -I{} echo item {}; echo 'a b' | xargs -t echo; printf '' | xargs -r echo none",
    "parallel": "seq 12 | xargs -P 4 -n 1 sh -c 'echo $0 >x.$0'; ls x.* | wc -l; cat x.* | sort -n | paste -sd,",
    "statuses": "seq 3 | xargs -n 1 false; echo $?; echo x | xargs nonesuch; echo $?; echo x | xargs sh -c 'exit 255'; echo $?; echo x | xargs sh -c 'kill $$'; echo $?",
    "long lists": "seq 50000 | xargs echo | wc -w; seq 30000 | xargs -s 4000 echo | wc -w",
}
DIFF = {
    "normal": "diff old.c new.c; echo $?; diff old.c old.c; echo $?; diff old.c missing; echo $?",
    "unified": "diff -u --label a --label b old.c new.c; diff -y -W 40 old.c new.c; diff -c --label a --label b old.c new.c",
    "directories": "cp -r t u; echo more >>u/a.txt; rm u/b.log; diff -r t u; diff -rq t u",
    "options": "printf 'A b\\n' >x; printf 'a  b\\n' >y; diff -i -w x y; echo $?; diff -q x y; diff -s x x",
    "cmp": "cmp old.c new.c; echo $?; cmp -l bin.dat bin.dat; echo $?; cp bin.dat c; printf x | dd of=c bs=1 seek=69000 conv=notrunc status=none; cmp bin.dat c; cmp -s bin.dat c; echo $?",
    "diff3": "diff3 -m old.c old.c new.c",
}
PATCH = {
    "apply": "diff -u old.c new.c >p; patch -s old.c <p; cmp old.c new.c && echo patched; patch -s -R old.c <p; head -n 2 old.c",
    "reject": "diff -u old.c new.c >p; printf 'other\\n' >old.c; patch -f old.c <p; echo $?; ls *.rej",
    "backup and dry run": "diff -u old.c new.c >p; patch --dry-run old.c <p; patch -b old.c <p; ls old*",
}
ARCHIVES = {
    "tar round trip": "tar cf a.tar t; tar tf a.tar | sort; mkdir x; tar xf a.tar -C x; diff -r t x/t && echo same",
    "tar listing": "chmod -R u=rwX,go=rX t; tar --owner=0 --group=0 --sort=name -cf a.tar t; tar tvf a.tar --utc; md5sum a.tar",
    "tar keeps links and modes": "ln -s a.txt t/l; ln t/a.txt t/h; chmod 640 t/a.txt; mkdir x; tar cf - --sort=name t | tar xf - -C x; find x -printf '%p %y %m %n %l\\n' | grep -v ' d ' | sort",
    "tar gz": "tar czf a.tgz t; tar tzf a.tgz | wc -l; tar xzf a.tgz -O t/a.txt; gzip -t a.tgz; echo $?",
    "tar bz2 and xz": "tar cjf a.tbz t; tar tjf a.tbz | wc -l; tar cJf a.txz t; tar xJf a.txz -O t/b.log",
    "tar append, exclude, strip": "tar cf a.tar poem.txt; tar rf a.tar old.c; tar tf a.tar; tar cf b.tar --exclude='*.log' t; tar tf b.tar | sort; mkdir y; tar xf b.tar -C y --strip-components=1; ls y",
    "tar update and compare": "tar cf a.tar t; tar df a.tar; echo $?; echo x >>t/a.txt; tar df a.tar; echo $?; tar xf missing.tar; echo $?",
    "tar of a sparse file": "truncate -s 5M sp; printf end >>sp; tar cSf a.tar sp; mkdir x; tar xf a.tar -C x; cmp sp x/sp && echo same",
    "gzip": "gzip -k -n bin.dat; md5sum bin.dat.gz; gunzip -c bin.dat.gz | cmp - bin.dat && echo same; gzip -9 -c bin.dat | zcat | wc -c; gzip -l bin.dat.gz | tail -n 1 | awk '{ print $2 }'; echo x | gunzip; echo $?",
    "gzip keeps times": "gzip data.csv; stat -c '%Y %a' data.csv.gz; gunzip data.csv.gz; stat -c '%Y %a' data.csv; zgrep -c name3 <(gzip -c data.csv)",
    "bzip2": "bzip2 -k bin.dat; bunzip2 -c bin.dat.bz2 | cmp - bin.dat && echo same; md5sum bin.dat.bz2; bzip2 -t bin.dat.bz2; echo $?",
    "xz": "xz -k -T1 bin.dat; xz -dc bin.dat.xz | cmp - bin.dat && echo same; xz -l --robot bin.dat.xz | tail -n 1 | cut -f 2,4; echo x | xz -d; echo $?",
    "xz with threads": "seq 200000 | xz -T2 -1 --block-size=200000 | xz -dc -T2 | md5sum",
}


def _check(sandbox: Sandbox, script: str) -> None:
    sandbox.check(["bash", "-c", script + "\ntrue"], files=FILES)


@needs("find", "findutils")
@pytest.mark.parametrize("script", cases(FIND))
def test_find(sandbox: Sandbox, script: str) -> None:
    _check(sandbox, script)


@needs("grep", "grep")
@pytest.mark.parametrize("script", cases(GREP))
def test_grep(sandbox: Sandbox, script: str) -> None:
    _check(sandbox, script)


@needs("sed", "sed")
@pytest.mark.parametrize("script", cases(SED))
def test_sed(sandbox: Sandbox, script: str) -> None:
    _check(sandbox, script)


@needs("awk", "mawk")
@pytest.mark.parametrize("script", cases(AWK))
def test_awk(sandbox: Sandbox, script: str) -> None:
    _check(sandbox, script)


@needs("xargs", "findutils")
@pytest.mark.parametrize("script", cases(XARGS))
def test_xargs(sandbox: Sandbox, script: str) -> None:
    _check(sandbox, script)


@needs("diff", "diffutils")
@pytest.mark.parametrize("script", cases(DIFF))
def test_diff_and_cmp(sandbox: Sandbox, script: str) -> None:
    _check(sandbox, script)


@needs("patch", "patch")
@pytest.mark.parametrize("script", cases(PATCH))
def test_patch(sandbox: Sandbox, script: str) -> None:
    _check(sandbox, script)


@needs("tar", "tar")
@needs("gzip", "gzip")
@needs("bzip2", "bzip2")
@needs("xz", "xz-utils")
@pytest.mark.parametrize("script", cases(ARCHIVES))
def test_archives(sandbox: Sandbox, script: str) -> None:
    _check(sandbox, script)


@needs("bc", "bc")
def test_bc_reads_standard_input(sandbox: Sandbox) -> None:
    sandbox.check(["bc", "-l"], stdin=b"scale=30; 4*a(1)\n2^200\n")


@needs("file", "file")
def test_file_names_kinds(sandbox: Sandbox) -> None:
    sandbox.check(["file", "poem.txt", "old.c", "t", "/dev/null", "bin.dat"], files=FILES)
