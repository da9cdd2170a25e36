# SPDX-License-Identifier: MPL-2.0
"""sshd and ssh with a pty, scp and sftp; rsync's daemon; tmux."""

from compare import needs
from serving import ServerSandbox

SSHD = """
Port 8590
ListenAddress 127.0.0.1
HostKey {path}/host
AuthorizedKeysFile {path}/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
Subsystem sftp internal-sftp
"""


@needs("sshd", "openssh-server")
@needs("ssh", "openssh-client")
def test_ssh(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        mkdir -p /run/sshd
        ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f key
        /usr/sbin/sshd -D -e -f sshd.conf 2>log & pid=$!
        until_ok opens 8590
        options="-F none -i key -o StrictHostKeyChecking=no -o UserKnownHostsFile=known -o LogLevel=ERROR"
        ssh="ssh $options -p 8590 root@127.0.0.1"
        $ssh 'echo $0; id -un; exit 3'; echo status $?
        $ssh -tt 'stty size; test -t 0 && echo a terminal; tty | cut -d/ -f1-3' </dev/null 2>/dev/null | grep -v lastlog
        head -c 1500000 /dev/urandom >big; test "$($ssh sha256sum <big)" = "$(sha256sum <big)" && echo same
        scp -q $options -P 8590 big root@127.0.0.1:$PWD/copy && cmp big copy && echo copied
        echo "get $PWD/big other" | sftp -q -b - $options -P 8590 root@127.0.0.1 >/dev/null && cmp big other && echo fetched
        ssh -N -L 8591:127.0.0.1:8590 $options -p 8590 root@127.0.0.1 & forward=$!
        until_ok opens 8591; ssh $options -p 8591 root@127.0.0.1 echo through the tunnel
        kill $forward $pid; wait $forward; wait $pid; echo status $?; grep -iE 'fatal|error' log || true
        """,
        files={"sshd.conf": SSHD.format(path=servers.path)},
        options=("-u", "0:0"),
    )


@needs("rsync", "rsync")
def test_rsync_daemon(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        mkdir from to; for i in $(seq 40); do seq $((i * 300)) >from/f$i; done
        rsync --daemon --no-detach --config=rsyncd.conf & pid=$!
        until_ok opens 8592
        rsync -a rsync://127.0.0.1:8592/m/ to/ && diff -r from to && echo same
        echo more >>from/f40; rsync -a --stats rsync://127.0.0.1:8592/m/ to/ | grep -E 'Number of regular'; diff -r from to && echo same
        kill $pid; wait $pid; echo status $?
        """,
        files={"rsyncd.conf": f"port=8592\naddress=127.0.0.1\nuse chroot=no\nlog file=log\n[m]\npath={servers.path}/from\n"},
    )


@needs("tmux", "tmux")
def test_tmux(servers: ServerSandbox) -> None:
    servers.check_server(
        r"""
        export TERM=xterm PS1='$ '
        t="tmux -S sock -f /dev/null"
        $t new-session -d -s t -x 80 -y 24 'bash --norc --noprofile'
        $t send-keys -t t 'echo $((6*7)) in tmux' Enter
        until_ok sh -c "$t capture-pane -p -t t | grep -q '^42 in tmux'"
        $t split-window -t t; $t list-panes -t t | wc -l; $t list-sessions -F '#{session_name} #{session_windows}'
        $t send-keys -t t.0 'exit' Enter; until_ok sh -c "test \$($t list-panes -t t | wc -l) = 1"
        $t kill-server; echo $?
        """
    )
