# SPDX-License-Identifier: MPL-2.0
"""git on a local repository: with fixed names and dates every hash is the same as native."""

import pytest
from compare import Sandbox, cases, needs

pytestmark = needs("git", "git")

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "A U Thor",
    "GIT_AUTHOR_EMAIL": "author@example.com",
    "GIT_COMMITTER_NAME": "C O Mitter",
    "GIT_COMMITTER_EMAIL": "committer@example.com",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
}
START = """set -e
git init -q -b main r; cd r
echo one >a; echo two >b; mkdir d; seq 100 >d/numbers; git add .; git commit -qm first
echo more >>a; git commit -qam second
"""
SCRIPTS = {
    "init, add, commit, log": "git log --oneline; git log --stat -1; git status; git rev-parse HEAD HEAD^{tree}; git ls-files -s",
    "diff": "echo change >b; git diff; git diff --cached; git add b; git diff --cached --stat; git diff HEAD~1 --name-status; git stash -q; git diff; git stash pop; git diff --shortstat HEAD",
    "status of untracked and ignored": "echo x >n; echo '*.o' >.gitignore; touch y.o; git status -s; git status -s --ignored; rm b; git status --porcelain; git checkout -q b; git status -s",
    "branch and merge": "git checkout -qb topic; echo t >t; git add t; git commit -qm topic; git checkout -q main; echo m >m; git add m; git commit -qm main2; git merge -q --no-edit topic; git log --graph --oneline; git branch -a; git branch -d topic",
    "merge conflict": "git checkout -qb topic; echo t >a; git commit -qam t; git checkout -q main; echo m >a; git commit -qam m; git merge topic || echo conflict; cat a; git status -s; git merge --abort; cat a",
    "rebase": "git checkout -qb topic HEAD~1; for i in 1 2 3; do echo $i >f$i; git add f$i; git commit -qm c$i; done; git rebase -q main; git log --format='%h %s' ; git rev-parse HEAD",
    "interactive rebase and amend": "echo x >x; git add x; git commit -qm x; git commit -q --amend -m amended; GIT_SEQUENCE_EDITOR='sed -i 1s/pick/reword/' git rebase -q -i HEAD~1; git log --format=%s; git reset -q --hard HEAD~1; git log --format=%s; git reflog | wc -l",
    "clone of a local repository": "cd ..; git clone -q r c; cd c; git log --oneline; git remote -v | sed 's,/.*/,,'; cd ..; git clone -q --no-local --depth 1 file://$PWD/r s; git -C s log --oneline; git clone -q --bare r b.git; ls b.git",
    "push and fetch": "cd ..; git clone -q --bare r b.git; git clone -q b.git c; cd c; echo p >p; git add p; git commit -qm pushed; git push -q; cd ../r; git fetch -q ../b.git main; git log --oneline FETCH_HEAD; git pull -q ../b.git main; cat p",
    "gc and fsck": "for i in $(seq 30); do echo $i >f; git add f; git commit -qm $i; done; git gc -q; git fsck --full; git count-objects -v | grep -v size; git verify-pack -v .git/objects/pack/*.idx | wc -l; git log --oneline | wc -l; git repack -adq; git prune; git status -s",
    "tags, describe, show": "git tag v1; git tag -a v2 -m annotated HEAD~1; git tag; git describe; git show v2 | head -n 8; git show HEAD:a; git cat-file -p HEAD; git cat-file -t v2",
    "blame, grep, bisect": "git blame -s a; git grep -n two; for i in 1 2 3 4 5 6; do echo $i >v; git add v; git commit -qm v$i; done; git bisect start HEAD HEAD~5 | tail -n 1; git bisect run sh -c '[ $(cat v) -lt 4 ]' | grep 'first bad' ; git bisect reset",
    "mv, rm, restore, clean": "git mv a z; git rm -q b; git commit -qm moved; git show --stat --format=%s -M; git restore -s HEAD~1 a; git status -s; git clean -fdq; ls",
    "worktree and sparse": "git worktree add -q ../w HEAD~1; cat ../w/a; git worktree list | wc -l; git worktree remove ../w; git worktree list | wc -l",
    "archive and bundle": "git archive HEAD | tar tf -; git bundle create -q ../x.bundle --all; git clone -q ../x.bundle ../from; git -C ../from log --oneline -1",
    "format-patch and am": "git format-patch -q -1 --stdout >../p; git reset -q --hard HEAD~1; git am -q ../p; git rev-parse HEAD^{tree}; git apply -R --check ../p && echo reversible",
    "hooks and config": "printf '#!/bin/sh\\necho hook ran\\n' >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; echo h >h; git add h; git commit -qm h; git config user.x y; git config --get user.x; git config --list --local | sort | tail -n 2",
    "submodule": "cd ..; git init -q -b main s; cd s; git -c protocol.file.allow=always submodule add -q ../r sub; git commit -qm sub; cat sub/a; git submodule status | cut -c 43-",
    "many files": "mkdir m; for i in $(seq 300); do echo $i >m/f$i; done; git add .; git commit -qm many; git ls-tree -r HEAD | wc -l; git rev-parse HEAD; git rm -rq m; git status -s | wc -l; git checkout -q HEAD -- m; ls m | wc -l",
    "stash and cherry-pick": "git checkout -qb o HEAD~1; echo o >o; git add o; git commit -qm o; git checkout -q main; git cherry-pick o >/dev/null; git log --format='%h %s' -1; echo w >>a; git stash -q; git stash list; git stash apply -q; tail -n 1 a",
    "filter by paths and dates": "git log --format='%ad %an %s' --date=iso -- a; git shortlog -sn HEAD; git rev-list --count HEAD; git merge-base HEAD HEAD~1",
}


@pytest.mark.parametrize("script", cases(SCRIPTS))
def test_repository(sandbox: Sandbox, script: str) -> None:
    sandbox.check(["bash", "-c", START + script], env=ENVIRONMENT)


def test_outside_of_a_repository(sandbox: Sandbox) -> None:
    # How far git looks up depends on the mounts, and so do the words after this.
    sandbox.check(["git", "log"], env=ENVIRONMENT, status=128, filter_stderr=lambda data: data[:27])
