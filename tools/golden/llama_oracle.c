// What llama.cpp computes, through its own library; built by setup.sh.
//
//   llama_oracle logits MODEL OUT ID...          logits of every position, little-endian float32, one row each
//   llama_oracle adapted MODEL OUT COUNT [ADAPTER STRENGTH]... ID...
//                                                the same with COUNT adapters
//   llama_oracle greedy MODEL STEPS ID...        per step: best id, its logit, second id, its logit
//   llama_oracle trace MODEL OUT STEPS ID...     the same, and the logits of every position of the ids and of all steps
//                                                but the last as `logits` writes them; steps run one token at a time
//   llama_oracle tokenize MODEL SPECIAL TEXT...  ids of each text on one line; SPECIAL 1 adds BOS or EOS as the file
//                                                says and recognises special tokens in the text
//   llama_oracle quantize IN OUT FILE_TYPE EMBEDDING_TYPE
//                                                numbers of enum llama_ftype and enum ggml_type
//
// llama.cpp reads a file's YaRN betas for some architectures only; here they are passed on for all.
//
// The key/value cache is float32, flash attention is off, and weights are not repacked. The CPU library is fixed
// (AVX2) so that every x86-64 machine of the last ten years gives the same bits.

#include "ggml-backend.h"
#include "llama.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 1024, MAX_TOKENS = 4096, MAX_ADAPTERS = 4 };

static void fail(const char * message) {
    fprintf(stderr, "llama_oracle: %s\n", message);
    exit(1);
}

static void print_errors(enum ggml_log_level level, const char * text, void * data) {
    (void) data;
    if (level >= GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static struct llama_model * load(const char * path, bool vocab_only) {
    struct llama_model_params params = llama_model_default_params();
    params.vocab_only = vocab_only;
    params.n_gpu_layers = 0;
    params.use_extra_bufts = false;
    struct llama_model * model = llama_model_load_from_file(path, params);
    if (model == NULL) fail("the model does not load");
    return model;
}

// Sets a number from the key `<architecture>.rope.scaling.NAME`, where the file has it.
static void read_scaling(const struct llama_model * model, const char * name, float * number) {
    char architecture[64], key[160], text[64];
    if (llama_model_meta_val_str(model, "general.architecture", architecture, sizeof architecture) < 0) return;
    snprintf(key, sizeof key, "%s.rope.scaling.%s", architecture, name);
    if (llama_model_meta_val_str(model, key, text, sizeof text) >= 0) *number = strtof(text, NULL);
}

static struct llama_context * open_context(struct llama_model * model) {
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT;
    params.n_threads = params.n_threads_batch = 2;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = params.type_v = GGML_TYPE_F32;
    read_scaling(model, "yarn_beta_fast", &params.yarn_beta_fast);
    read_scaling(model, "yarn_beta_slow", &params.yarn_beta_slow);
    struct llama_context * context = llama_init_from_model(model, params);
    if (context == NULL) fail("no context");
    return context;
}

// Runs `count` tokens from position `past` on and asks for the logits of each.
static void decode(struct llama_context * context, const llama_token * ids, int count, int past) {
    struct llama_batch batch = llama_batch_init(count, 0, 1);
    batch.n_tokens = count;
    for (int i = 0; i < count; i++) {
        batch.token[i] = ids[i];
        batch.pos[i] = past + i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
    }
    if (llama_decode(context, batch) != 0) fail("decoding failed");
    llama_batch_free(batch);
}

static int parse_ids(int count, char ** texts, llama_token * ids) {
    if (count < 1 || count > CONTEXT) fail("no ids, or more than the context holds");
    for (int i = 0; i < count; i++) ids[i] = atoi(texts[i]);
    return count;
}

static void use_adapters(struct llama_model * model, struct llama_context * context, int count, char ** texts) {
    struct llama_adapter_lora * adapters[MAX_ADAPTERS];
    float strengths[MAX_ADAPTERS];
    if (count > MAX_ADAPTERS) fail("too many adapters");
    for (int i = 0; i < count; i++) {
        adapters[i] = llama_adapter_lora_init(model, texts[2 * i]);
        if (adapters[i] == NULL) fail("the adapter does not load");
        strengths[i] = strtof(texts[2 * i + 1], NULL);
    }
    if (llama_set_adapters_lora(context, adapters, count, strengths) != 0) fail("the adapters are refused");
}

// The first `adapters` pairs of texts are adapters and their strengths, the others ids.
static void logits(const char * model_path, const char * out_path, int adapters, int count, char ** texts) {
    llama_token ids[CONTEXT];
    count -= 2 * adapters;
    parse_ids(count, texts + 2 * adapters, ids);
    struct llama_model * model = load(model_path, false);
    struct llama_context * context = open_context(model);
    if (adapters > 0) use_adapters(model, context, adapters, texts);
    decode(context, ids, count, 0);
    size_t vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    FILE * out = fopen(out_path, "wb");
    if (out == NULL) fail("cannot write the logits");
    for (int i = 0; i < count; i++) fwrite(llama_get_logits_ith(context, i), sizeof(float), vocabulary, out);
    fclose(out);
}

static void write_row(FILE * out, const float * row, int vocabulary) {
    if (out != NULL) fwrite(row, sizeof(float), vocabulary, out);
}

static void greedy(const char * model_path, const char * out_path, int steps, int count, char ** texts) {
    llama_token ids[CONTEXT];
    parse_ids(count, texts, ids);
    struct llama_model * model = load(model_path, false);
    struct llama_context * context = open_context(model);
    int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    FILE * out = out_path != NULL ? fopen(out_path, "wb") : NULL;
    if (out_path != NULL && out == NULL) fail("cannot write the logits");
    decode(context, ids, count, 0);
    for (int i = 0; i < count; i++) write_row(out, llama_get_logits_ith(context, i), vocabulary);
    const float * row = llama_get_logits_ith(context, count - 1);
    for (int step = 0; step < steps; step++) {
        llama_token best = row[1] > row[0], second = !best;
        for (llama_token id = 2; id < vocabulary; id++) {
            if (row[id] > row[best]) {
                second = best;
                best = id;
            } else if (row[id] > row[second]) {
                second = id;
            }
        }
        printf("%d %.6f %d %.6f\n", best, row[best], second, row[second]);
        if (step + 1 == steps) break;
        decode(context, &best, 1, count + step);
        row = llama_get_logits_ith(context, 0);
        write_row(out, row, vocabulary);
    }
    if (out != NULL) fclose(out);
}

static void tokenize(const char * model_path, bool special, int count, char ** texts) {
    const struct llama_vocab * vocabulary = llama_model_get_vocab(load(model_path, true));
    for (int i = 0; i < count; i++) {
        llama_token ids[MAX_TOKENS];
        int tokens = llama_tokenize(vocabulary, texts[i], strlen(texts[i]), ids, MAX_TOKENS, special, special);
        if (tokens < 0) fail("the text is too long");
        for (int k = 0; k < tokens; k++) printf(k ? " %d" : "%d", ids[k]);
        putchar('\n');
    }
}

static void quantize(const char * in, const char * out, int file_type, int embedding_type) {
    struct llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = file_type;
    params.token_embedding_type = params.output_tensor_type = embedding_type;
    params.pure = true;
    if (llama_model_quantize(in, out, &params) != 0) fail("quantization failed");
}

int main(int count, char ** arguments) {
    llama_log_set(print_errors, NULL);
    if (ggml_backend_load(GGML_CPU_LIBRARY) == NULL) fail("cannot load " GGML_CPU_LIBRARY);
    llama_backend_init();
    const char * command = count > 4 ? arguments[1] : "";
    if (!strcmp(command, "logits")) {
        logits(arguments[2], arguments[3], 0, count - 4, arguments + 4);
    } else if (!strcmp(command, "adapted") && count > 5) {
        logits(arguments[2], arguments[3], atoi(arguments[4]), count - 5, arguments + 5);
    } else if (!strcmp(command, "greedy")) {
        greedy(arguments[2], NULL, atoi(arguments[3]), count - 4, arguments + 4);
    } else if (!strcmp(command, "trace") && count > 5) {
        greedy(arguments[2], arguments[3], atoi(arguments[4]), count - 5, arguments + 5);
    } else if (!strcmp(command, "tokenize")) {
        tokenize(arguments[2], atoi(arguments[3]), count - 4, arguments + 4);
    } else if (!strcmp(command, "quantize") && count == 6) {
        quantize(arguments[2], arguments[3], atoi(arguments[4]), atoi(arguments[5]));
    } else {
        fail("see the first lines of llama_oracle.c for the arguments");
    }
    return 0;
}
