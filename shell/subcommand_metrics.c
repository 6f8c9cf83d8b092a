/*
 * subcommand_metrics.c -- `vonk metrics`: what Prometheus wants to know of a cluster
 *
 * A process of its own, which asks the master as `vonk status` does: the master has no port that
 * speaks HTTP.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cluster/http_module.h"
#include "cluster/master_call.h"
#include "shell/cluster_options.h"
#include "shell/metrics_text.h"
#include "shell/subcommands.h"

static void print_usage(FILE *to)
{
    fputs(
        "Usage: vonk metrics [--master URL] [--secret-file FILE] [--port N | --token]\n\n"
        "Prints metrics of a cluster in Prometheus's text format.\n\n"
        "  --master URL        default: VONK_MASTER, or what vonk cluster up has started\n"
        "  --secret-file FILE  default: the one that VONK_SECRET_FILE names\n"
        "  --port N            answers at http://127.0.0.1:N/metrics instead, until it is ended;\n"
        "                      0: any port, which is printed. HTTP is not encrypted, so only this\n"
        "                      machine can ask\n"
        "  --token             prints what a scraper must have where the cluster has a secret:\n"
        "                      authorization: {credentials: ...}\n",
        to);
}

typedef struct Exporter {
    const char *url, *secret_file;
    const char *token; /* NULL: none is wanted */
} Exporter;

/* NULL: the master does not answer; *err says why. */
static const char *ask(const Exporter *exporter, Arena *arena, Error *err)
{
    const char *json = NULL;
    MasterCall call;
    Status status = master_call_open(arena, exporter->url, exporter->secret_file, err, &call);

    if (status == ST_OK)
        status = call.rpc->rpc_master_status(call.pool, call.master, true, master_call_deadline(),
                                             arena, err, &json);
    master_call_close(&call);
    return status == ST_OK ? json : NULL;
}

/* --- the server --- */

/* In a time that does not tell how much of it was right. */
static bool is_allowed(const Exporter *exporter, const char *authorization)
{
    static const char bearer[] = "Bearer ";
    unsigned char difference = 0;
    size_t length;

    if (exporter->token == NULL)
        return true;
    length = strlen(exporter->token);
    if (authorization == NULL || strncmp(authorization, bearer, strlen(bearer)) != 0 ||
        strlen(authorization) != strlen(bearer) + length)
        return false;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(authorization[strlen(bearer) + i] ^ exporter->token[i]);
    return difference == 0;
}

static void on_request(void *context, const HttpRequest *request, Arena *arena,
                       HttpAnswer *answer_out)
{
    StrBuf text = {.arena = arena};
    Error err = ERROR_NONE;

    if (!is_allowed(context, request->authorization)) {
        *answer_out = (HttpAnswer){401, "text/plain",
                                   "the token is missing or wrong: vonk metrics --token\n"};
        return;
    }
    if (strcmp(request->path, "/metrics") != 0) {
        *answer_out = (HttpAnswer){404, "text/plain", "metrics are at /metrics\n"};
        return;
    }
    metrics_text(ask(context, arena, &err), &text);
    *answer_out = (HttpAnswer){200, METRICS_CONTENT_TYPE, strbuf_text(&text)};
}

/* Until SIGTERM or SIGINT. */
static int serve(Exporter *exporter, uint16_t port)
{
    const HttpModule *http;
    Error err = ERROR_NONE;
    HttpServer *server;
    sigset_t ends;
    int number;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL); /* before there are threads */
    if (http_module(&err, &http) != ST_OK ||
        http->http_server_start(port, on_request, exporter, &err, &server) != ST_OK)
        return cluster_report("metrics", &err);
    printf("http://127.0.0.1:%u/metrics\n", http->http_server_port(server));
    fflush(stdout);
    sigwait(&ends, &number);
    http->http_server_stop(server);
    return EXIT_OK;
}

/* --- the command --- */

static int print_metrics(const Exporter *exporter, Arena *arena)
{
    StrBuf text = {.arena = arena};
    Error err = ERROR_NONE;
    const char *json = ask(exporter, arena, &err);

    metrics_text(json, &text);
    fputs(strbuf_text(&text), stdout);
    return json != NULL ? EXIT_OK : cluster_report("metrics", &err);
}

static Status make_token(Exporter *exporter, Arena *arena, Error *err)
{
    char *password = arena_alloc(arena, MEMBERSHIP_PASSWORD_BYTES);
    const RpcModule *rpc;

    TRY(rpc_module(err, &rpc));
    TRY(membership_password(rpc, exporter->secret_file, "metrics", err, password));
    exporter->token = password;
    return ST_OK;
}

static int run(const ClusterOptions *options, Arena *arena)
{
    Exporter exporter = {.url = cluster_master(arena, options->master),
                         .secret_file = membership_secret_file(options->secret_file)};
    Error err = ERROR_NONE;
    int64_t port = 0;

    if (exporter.secret_file != NULL && make_token(&exporter, arena, &err) != ST_OK)
        return cluster_report("metrics", &err);
    if (options->wants_token) {
        puts(exporter.token == NULL ? "" : exporter.token);
        return EXIT_OK;
    }
    if (exporter.url == NULL) {
        fputs("vonk metrics: no cluster is up here; --master URL says whom to ask\n", stderr);
        return EXIT_USAGE;
    }
    if (options->port == NULL)
        return print_metrics(&exporter, arena);
    if (strcmp(options->port, "0") != 0 &&
        !cluster_number("metrics", "--port", options->port, UINT16_MAX, &port))
        return EXIT_USAGE;
    return serve(&exporter, (uint16_t)port);
}

int subcommand_metrics(int argc, char **argv)
{
    static const ClusterOption known[] = {CLUSTER_TEXT("master", master),
                                          CLUSTER_TEXT("secret-file", secret_file),
                                          CLUSTER_TEXT("port", port),
                                          CLUSTER_SWITCH("token", wants_token),
                                          {NULL, 0, false}};
    Arena *arena = arena_new(NULL, "metrics", ARENA_NO_CAP);
    ClusterOptions options;
    int at = cluster_options_parse(argc, argv, known, &options), code = EXIT_USAGE;

    if (at >= 0 && options.wants_help) {
        print_usage(stdout);
        code = EXIT_OK;
    } else if (at >= 0 && at < argc) {
        fprintf(stderr, "vonk metrics: \"%s\" is too much\n", argv[at]);
    } else if (at >= 0) {
        code = run(&options, arena);
    }
    arena_free(arena);
    return code;
}
