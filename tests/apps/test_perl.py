# SPDX-License-Identifier: MPL-2.0
"""perl: fork, pipes, signals, files, sockets, sorting."""

import pytest
from compare import Sandbox, cases, needs

pytestmark = needs("perl", "perl")

SCRIPTS = {
    "text processing": 'my %c; while (<STDIN>) { $c{lc $_}++ for /\\w+/g } print "$_ $c{$_}\\n" for sort keys %c;',
    "fork, wait and exit status": 'my $p = fork; if (!$p) { exit 7 } waitpid $p, 0; print $? >> 8, "\\n"; $p = fork; if (!$p) { kill 9, $$ } waitpid $p, 0; print $? & 127, "\\n";',
    "pipe open": 'open my $f, "-|", "seq 5" or die; print map { $_ * 2, "," } <$f>; close $f; open $f, "|-", "tr a-z A-Z"; print $f "shout\\n"; close $f; print `echo back`, $? , "\\n";',
    "signal handlers": '$SIG{USR1} = sub { print "usr1\\n" }; kill USR1 => $$; $SIG{ALRM} = sub { die "alarm\\n" }; eval { alarm 1; select undef, undef, undef, 5; }; print $@;',
    "files": 'open my $f, ">", "f"; print $f "line $_\\n" for 1 .. 1000; close $f; print -s "f", "\\n"; open $f, "<", "f"; seek $f, 100, 0; print scalar <$f>; my @s = stat $f; printf "%o\\n", $s[2]; rename "f", "g"; print -e "f" ? 1 : 0, -e "g" ? 1 : 0; unlink "g"; mkdir "d"; opendir my $d, "."; print join(",", sort grep !/^\\./, readdir $d), "\\n";',
    "socket pair": 'use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0); if (!fork) { print $b "from child\\n"; exit } close $b; print <$a>; wait; print "done\\n";',
    "sort and hashes": 'my @l = map { $_ * 7919 % 1009 } 1 .. 20000; my @s = sort { $a <=> $b } @l; print "@s[0, 100, -1]\\n"; my %h = map { $_ => 1 } @l; print scalar(keys %h), "\\n";',
    "regular expressions": '$_ = "a1b22c333"; print join("|", /(\\d+)/g), "\\n"; s/(\\d+)/<$1>/g; print "$_\\n"; print join(",", split /\\W/, "a-b c"), "\\n"; print "x" x 5, sprintf("%05.2f", 3.14159), "\\n";',
    "environment and system": '$ENV{X} = "y"; system "echo \\$X"; system("sh", "-c", "exit 3"); print $? >> 8, "\\n"; print join(" ", exists $ENV{HOME} ? "home" : "none"), "\\n"; exec "echo", "replaced";',
    "modules": 'use POSIX qw(floor strftime :sys_wait_h); use File::Temp "tempfile"; use List::Util "sum"; use Data::Dumper; $Data::Dumper::Sortkeys = 1; print floor(3.7), strftime("%Y", gmtime 0), sum(1 .. 10), Dumper({ a => [1, 2] }); my ($h, $n) = tempfile(); print $h "x"; close $h; print -s $n, "\\n"; unlink $n; use Time::HiRes "sleep"; sleep 0.02; print waitpid(-1, WNOHANG), "\\n";',
    "flock": 'use Fcntl ":flock"; open my $f, ">", "l"; flock $f, LOCK_EX; if (!fork) { open my $g, ">", "l"; print flock($g, LOCK_EX | LOCK_NB) ? "got" : "busy", "\\n"; exit } wait; flock $f, LOCK_UN; print "end\\n";',
    "local unix server": 'use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Local => "s", Listen => 1); if (!fork) { my $c = IO::Socket::UNIX->new(Peer => "s"); print $c "hi\\n"; print scalar <$c>; exit } my $c = $s->accept; my $l = <$c>; print $c uc $l; close $c; wait;',
    "select on pipes": 'pipe my $r, my $w; my $v = ""; vec($v, fileno $r, 1) = 1; print scalar(select my $x = $v, undef, undef, 0.05), "\\n"; syswrite $w, "abc"; print scalar(select $x = $v, undef, undef, 1), "\\n"; sysread $r, my $b, 10; print "$b\\n";',
    "memory": 'my @a = (1) x 1000000; my $s = "y" x 20_000_000; print scalar(@a), length($s), "\\n";',
}


@pytest.mark.parametrize("script", cases(SCRIPTS))
def test_script(sandbox: Sandbox, script: str) -> None:
    sandbox.check(["perl", "-e", "$| = 1; " + script], stdin=b"The cat and the dog and THE end\n")


@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param("exit 5", 5, id="exit"),
        pytest.param('die "broken\\n"', 255, id="die"),
        pytest.param("kill 15, $$; sleep 5", 143, id="term"),
    ],
)
def test_exit_status(sandbox: Sandbox, script: str, status: int) -> None:
    sandbox.check(["perl", "-e", script], status=status)


def test_one_liners(sandbox: Sandbox) -> None:
    files = {"f": "a 1\nb 2\n"}
    sandbox.check(
        ["bash", "-c", "perl -pe 's/(\\d)/$1 * 10/e' f; perl -lane 'print $F[1]' f; perl -i.old -ne 'print if /b/' f; cat f f.old"],
        files=files,
    )
