# Sourced by scripts/up: keeps named processes alive. A role NAME is started by a function start_NAME (or start_worker
# INDEX for worker-INDEX), which ends in `exec`. Every process leads its own session, so that Ctrl-C reaches only the
# supervisor, and gets SIGTERM from the kernel should the supervisor itself be killed.

declare -A pid_of=() since=() failures=()
# Opened once to sleep on without forking; a signal is handled at the latest when the nap is over.
exec {never}<> <(:)
nap() { read -rt "$1" -u "$never" || true; }

say() { printf 'millrace: %s\n' "$*" >&2; }

launch() { exec setsid setpriv --pdeathsig TERM "$@"; }

# The whole session, since nginx' own workers outlive a master that was killed.
kill_session() { kill -s KILL -- "-$1" 2>/dev/null || true; }

is_running() { [ -n "${pid_of[$1]:-}" ] && kill -0 "${pid_of[$1]}" 2>/dev/null; }

# start ROLE [DELAY] - the delay passes in the child, so that nobody waits for it.
start() {
    (
        trap - INT TERM HUP
        sleep "${2:-0}"
        kill -0 $$ || exit 1
        "start_${1%%-*}" "${1#*-}"
    ) </dev/null &
    pid_of[$1]=$! since[$1]=$((SECONDS + ${2:-0}))
}

# Restarts what has died: after 1, 2, 4 ... 30 seconds, from 1 again once it has lived for a minute.
revive() {
    local role status delay
    for role in "${!pid_of[@]}"; do
        is_running "$role" && continue
        # bash would add a line of its own about a child that a signal ended.
        wait "${pid_of[$role]}" 2>/dev/null && status=0 || status=$?
        kill_session "${pid_of[$role]}"
        [ $((SECONDS - since[$role])) -lt 60 ] || failures[$role]=0
        delay=$((1 << (${failures[$role]:-0} < 5 ? ${failures[$role]:-0} : 5)))
        [ "$delay" -le 30 ] || delay=30
        failures[$role]=$((${failures[$role]:-0} + 1))
        say "$role ended with status $status, starting it again in ${delay}s"
        start "$role" "$delay"
    done
}

# stop SIGNAL SECONDS ROLE... - signals the roles together and waits for them; what is left then is killed. A second
# request to stop (`hurry`) ends the wait.
stop() {
    local signal=$1 end=$((SECONDS + $2)) role waiting=1
    shift 2
    for role in "$@"; do is_running "$role" && kill -s "$signal" "${pid_of[$role]}"; done
    while [ -n "$waiting" ]; do
        waiting=
        for role in "$@"; do is_running "$role" && waiting=1; done
        [ -z "$waiting" ] || [ "$SECONDS" -lt "$end" ] && [ -z "${hurry:-}" ] || break
        [ -z "$waiting" ] || nap 0.1
    done
    for role in "$@"; do
        [ -n "${pid_of[$role]:-}" ] || continue
        ! is_running "$role" || say "$role did not stop, killing it"
        kill_session "${pid_of[$role]}"
        wait "${pid_of[$role]}" 2>/dev/null || true
        unset "pid_of[$role]"
    done
}
