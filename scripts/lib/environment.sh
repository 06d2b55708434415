# Sourced by scripts/up: where settings come from. The environment wins over .env, .env over DATA_DIR/secrets.

# load_dotenv FILE - exports NAME=VALUE lines as data; nothing in the file is ever executed. Empty values count as unset.
load_dotenv() {
    local line name value
    [ -f "$1" ] || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        [[ ${line%$'\r'} =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
        name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
        if [[ $value =~ ^[[:space:]]*\"(.*)\"[[:space:]]*(#.*)?$ || $value =~ ^[[:space:]]*\'(.*)\'[[:space:]]*(#.*)?$ ]]; then
            value=${BASH_REMATCH[1]}
        else
            value=${value%%[[:space:]]#*}
            value=${value%"${value##*[![:space:]]}"}
        fi
        [ -z "$value" ] || [ -n "${!name:-}" ] || export "$name=$value"
    done <"$1"
}

# keep_secret NAME PREFIX - exports NAME; when it is not set, from DATA_DIR/secrets/NAME, which is made at first start.
keep_secret() {
    local file=$DATA_DIR/secrets/$1
    [ -z "${!1:-}" ] || return 0
    if [ ! -s "$file" ]; then
        (
            umask 077
            mkdir -p "$DATA_DIR/secrets"
            printf '%s%s\n' "$2" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >"$file.part"
            mv "$file.part" "$file"
        )
    fi
    export "$1=$(<"$file")"
}
