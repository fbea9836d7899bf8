{{/* Combinations of values that a schema cannot refuse, each with what to do. */}}
{{- define "domesday.validate" -}}
{{- $isShared := include "domesday.isShared" . -}}
{{- if and (not $isShared) (gt (int .Values.replicaCount) 1) -}}
{{- fail (printf "replicaCount is %d, but without secrets.databaseUrl.name the store is an SQLite file on a volume, which one pod alone can use: name a Secret with the URL of a PostgreSQL database, or set replicaCount to 1" (int .Values.replicaCount)) -}}
{{- end -}}
{{- if and $isShared (not .Values.secrets.secretKey.name) -}}
{{- fail "a PostgreSQL store needs a secret key that every replica has: create one with `domesday key new secret.key` and `kubectl create secret generic domesday-key --from-file=secret.key`, and set secrets.secretKey.name to `domesday-key`" -}}
{{- end -}}
{{- $config := .Values.config -}}
{{- if and (dig "oidc" "issuer" "" $config) (not .Values.secrets.oidcClientSecret.name) -}}
{{- fail "config.oidc.issuer is set: set secrets.oidcClientSecret.name to the Secret with the client's secret" -}}
{{- end -}}
{{- if and (dig "webhook" "url" "" $config) (not .Values.secrets.webhookSecret.name) -}}
{{- fail "config.webhook.url is set: set secrets.webhookSecret.name to the Secret that signs the messages" -}}
{{- end -}}
{{/* The process exits at most 5 seconds after its own grace. */}}
{{- $needed := add (int (dig "server" "shutdown_grace_seconds" 30 $config)) 5 (int .Values.preStopSleepSeconds) -}}
{{- if gt $needed (int64 .Values.terminationGracePeriodSeconds) -}}
{{- fail (printf "terminationGracePeriodSeconds is %d, but a pod may need %d seconds to stop: preStopSleepSeconds, config.server.shutdown_grace_seconds (30 by default) and 5" (int .Values.terminationGracePeriodSeconds) $needed) -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled is true, but ingress.hosts is empty: add the host under which people reach the console" -}}
{{- end -}}
{{- $own := list "DATABASE_URL" "DOMESDAY_CONFIG" "DOMESDAY_LISTEN" "DOMESDAY_OPERATIONS_LISTEN" "DOMESDAY_STORE" -}}
{{- $secret := list "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" "DOMESDAY_OIDC_CLIENT_SECRET" "DOMESDAY_SECRET_KEY" "DOMESDAY_WEBHOOK_SECRET" "OTEL_EXPORTER_OTLP_HEADERS" -}}
{{- range .Values.extraEnv -}}
{{- if has .name $own -}}
{{- fail (printf "extraEnv must not set %s, which the chart sets: use secrets.databaseUrl, config or listenAddress" .name) -}}
{{- end -}}
{{- if and (has .name $secret) .value -}}
{{- fail (printf "extraEnv has the value of %s in plain text: refer to a Secret with valueFrom.secretKeyRef" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
