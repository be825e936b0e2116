/* The row-wise parts of the fused training step: everything between two matrix products.
 *
 * Every kernel reads its operands once, computes in float32 and writes once. Each exists for float32 and for bfloat16 storage: the file
 * includes itself once per type. It has no intrinsics: vectors of 16 floats are a compiler extension that gcc and clang turn into AVX-512,
 * AVX2, SSE or NEON, and on x86 `target_clones` keeps a version for each and picks one when the library is loaded.
 *
 * All kernels have one signature: arguments as 64-bit words and a range of rows, so that one function can share the rows among threads.
 * The threads are those of the OpenMP runtime torch has loaded (see kernels.py); a second pool would fight with it for the cores.
 * Widths are multiples of 16: kernels.py checks, and sends anything else to the ATen implementation.
 */
#ifndef T
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), visibility("default")))
#else
#define KERNEL __attribute__((visibility("default")))
#endif
#define INLINE static inline __attribute__((always_inline))

typedef float f32;
typedef uint16_t bf16;
typedef f32 v16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t i16v __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t u16v __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t h16 __attribute__((vector_size(32), aligned(2), may_alias));
typedef union { int64_t i; double f; void *p; } Arg;
typedef void (*Kernel)(const Arg *arg, int64_t begin, int64_t end);

/* ---- threads -------------------------------------------------------------------------------------------------------------------- */
typedef void (*Fork)(void (*)(void *), void *, unsigned, unsigned);
static Fork fork_threads; /* libgomp's GOMP_parallel */
static int (*thread_number)(void);
typedef struct { Kernel kernel; const Arg *arg; int64_t rows, threads; } Call;

__attribute__((visibility("default"))) void use_threads(Fork fork, int (*number)(void)) { fork_threads = fork, thread_number = number; }

static void share(void *pointer) {
    const Call *call = pointer;
    int64_t number = thread_number(), n = call->threads;
    call->kernel(call->arg, call->rows * number / n, call->rows * (number + 1) / n);
}

__attribute__((visibility("default"))) void run(Kernel kernel, const Arg *arg, int64_t rows, int64_t threads) {
    Call call = {kernel, arg, rows, threads};
    if (fork_threads && threads > 1 && rows > 1) fork_threads(share, &call, (unsigned)threads, 0);
    else kernel(arg, 0, rows);
}

/* ---- vectors -------------------------------------------------------------------------------------------------------------------- */
INLINE v16 load_f32(const f32 *p) { return *(const v16 *)p; }
INLINE void store_f32(f32 *p, v16 x) { *(v16 *)p = x; }
INLINE v16 load_bf16(const bf16 *p) { return (v16)(__builtin_convertvector(*(const h16 *)p, u16v) << 16); }
INLINE void store_bf16(bf16 *p, v16 x) { /* round to nearest even; the values here are finite */
    u16v bits = (u16v)x;
    *(h16 *)p = __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, h16);
}
INLINE v16 all(f32 x) { return x - (v16){0}; }
INLINE v16 pick(i16v yes, v16 a, v16 b) { return (v16)(((i16v)a & yes) | ((i16v)b & ~yes)); }
INLINE v16 larger(v16 a, v16 b) { return pick(a > b, a, b); }
INLINE f32 sum(v16 x) {
    f32 total = 0;
    for (int i = 0; i < 16; i++) total += x[i];
    return total;
}
INLINE f32 maximum(v16 x) {
    f32 most = x[0];
    for (int i = 1; i < 16; i++) most = x[i] > most ? x[i] : most;
    return most;
}
/* e^x = 2^n 2^f with n whole and |f| <= 1/2; 2^f by its Taylor polynomial to the 6th degree: relative error under 3e-7. */
INLINE v16 exponential(v16 x) {
    v16 t = larger(x, all(-87.0f)) * 1.44269504f;
    t = pick(t > all(127.0f), all(127.0f), t);
    v16 whole = (t + 12582912.0f) - 12582912.0f, f = t - whole;
    v16 p = f * 1.5403530e-4f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    return p * (v16)((__builtin_convertvector(whole, i16v) + 127) << 23);
}
INLINE v16 sigmoid(v16 x) { return 1.0f / (1.0f + exponential(-x)); }

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(kernel) JOIN(kernel, T)
#define LOAD JOIN(load, T)
#define STORE JOIN(store, T)
#define PTR(type, n) ((type *)arg[n].p)
#define EACH(i, width) for (int64_t i = 0; i < (width); i += 16)

#define T f32
#include "kernels.c"
#undef T
#define T bf16
#include "kernels.c"

#else /* ---- the kernels, once for every T -------------------------------------------------------------------------------------- */

/* x += added (if any); xhat = x / rms(x); h = xhat * w. Rows: tokens. RMSNorm: Zhang & Sennrich 2019. */
KERNEL void NAME(norm)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t width = arg[7].i, stride = arg[8].i;
    const f32 *w = PTR(f32, 2);
    for (int64_t row = begin; row < end; row++) {
        f32 *x = PTR(f32, 0) + row * width;
        const T *added = arg[1].p ? PTR(T, 1) + row * width : 0;
        T *h = PTR(T, 3) + row * stride, *xhat = PTR(T, 4) + row * width;
        v16 squares = all(0);
        EACH(i, width) {
            v16 v = load_f32(x + i);
            if (added) store_f32(x + i, v += LOAD(added + i));
            squares += v * v;
        }
        f32 scale = PTR(f32, 5)[row] = 1.0f / sqrtf(sum(squares) / width + (f32)arg[6].f);
        EACH(i, width) {
            v16 v = load_f32(x + i) * scale;
            STORE(xhat + i, v);
            STORE(h + i, v * load_f32(w + i));
        }
    }
}

/* grad += d(norm)/dx of g; low = grad in T. Rows: tokens. */
KERNEL void NAME(norm_back)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t width = arg[6].i, stride = arg[7].i;
    const f32 *w = PTR(f32, 2);
    for (int64_t row = begin; row < end; row++) {
        f32 *grad = PTR(f32, 0) + row * width;
        const T *g = PTR(T, 1) + row * stride, *xhat = PTR(T, 3) + row * width;
        T *low = PTR(T, 5) + row * width;
        v16 dot = all(0);
        EACH(i, width) dot += LOAD(g + i) * load_f32(w + i) * LOAD(xhat + i);
        f32 mean = sum(dot) / width, scale = PTR(f32, 4)[row];
        EACH(i, width) {
            v16 v = load_f32(grad + i) + scale * (LOAD(g + i) * load_f32(w + i) - mean * LOAD(xhat + i));
            store_f32(grad + i, v);
            STORE(low + i, v);
        }
    }
}

/* out = silu(gate) * up, of rows that hold gate and up side by side. Rows: tokens. SwiGLU: Shazeer 2020. */
KERNEL void NAME(swiglu)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t width = arg[2].i, stride = arg[3].i;
    for (int64_t row = begin; row < end; row++) {
        const T *gate = PTR(T, 0) + row * 2 * width, *up = gate + width;
        T *out = PTR(T, 1) + row * stride;
        EACH(i, width) {
            v16 a = LOAD(gate + i);
            STORE(out + i, a * sigmoid(a) * LOAD(up + i));
        }
    }
}

/* gate and up are overwritten by their gradients, given g for out; out is made again. Rows: tokens. */
KERNEL void NAME(swiglu_back)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t width = arg[3].i, stride = arg[4].i;
    for (int64_t row = begin; row < end; row++) {
        T *gate = PTR(T, 0) + row * 2 * width, *up = gate + width, *out = PTR(T, 2) + row * width;
        const T *g = PTR(T, 1) + row * stride;
        EACH(i, width) {
            v16 a = LOAD(gate + i), b = LOAD(up + i), grad = LOAD(g + i), s = sigmoid(a), silu = a * s;
            STORE(out + i, silu * b);
            STORE(up + i, grad * silu);
            STORE(gate + i, grad * b * s * (1.0f + a * (1.0f - s)));
        }
    }
}

/* Rotates a head by its position, forward (sign 1) or back (-1). RoPE: Su et al. 2021, the half-split form of Llama. */
INLINE void NAME(rotate)(const T *in, T *out, const f32 *cosine, const f32 *sine, int64_t dim, f32 sign) {
    EACH(i, dim / 2) {
        v16 a = LOAD(in + i), b = LOAD(in + i + dim / 2), c = load_f32(cosine + i), s = load_f32(sine + i) * sign;
        STORE(out + i, a * c - b * s);
        STORE(out + i + dim / 2, b * c + a * s);
    }
}

/* Token rows of q, k, v heads -> a bucket of padded sequences, rotated. q: (n, kv_heads, length, group, dim), k and v: (n, kv_heads,
 * length, dim). Rows: padded positions; a source row of -1 is padding and becomes zeros. */
KERNEL void NAME(gather_qkv)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t length = arg[8].i, kv_heads = arg[9].i, group = arg[10].i, dim = arg[11].i;
    const int64_t heads = kv_heads * group, width = (heads + 2 * kv_heads) * dim;
    for (int64_t row = begin; row < end; row++) {
        const int64_t from = PTR(int32_t, 1)[row], first = row / length * kv_heads * length + row % length;
        const T *in = PTR(T, 0) + from * width;
        for (int64_t k = 0; k < kv_heads; k++) {
            const int64_t place = (first + k * length) * dim;
            T *query = PTR(T, 5) + place * group, *key = PTR(T, 6) + place, *value = PTR(T, 7) + place;
            if (from < 0) {
                memset(query, 0, group * dim * sizeof(T)), memset(key, 0, dim * sizeof(T)), memset(value, 0, dim * sizeof(T));
                continue;
            }
            const int64_t angle = PTR(int32_t, 2)[from] * (dim / 2);
            const f32 *cosine = PTR(f32, 3) + angle, *sine = PTR(f32, 4) + angle;
            for (int64_t j = 0; j < group; j++) NAME(rotate)(in + (k * group + j) * dim, query + j * dim, cosine, sine, dim, 1.0f);
            NAME(rotate)(in + (heads + k) * dim, key, cosine, sine, dim, 1.0f);
            memcpy(value, in + (heads + kv_heads + k) * dim, dim * sizeof(T));
        }
    }
}

/* The way back, for the gradients. */
KERNEL void NAME(scatter_qkv)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t length = arg[8].i, kv_heads = arg[9].i, group = arg[10].i, dim = arg[11].i;
    const int64_t heads = kv_heads * group, width = (heads + 2 * kv_heads) * dim;
    for (int64_t row = begin; row < end; row++) {
        const int64_t to = PTR(int32_t, 1)[row], first = row / length * kv_heads * length + row % length;
        if (to < 0) continue;
        T *out = PTR(T, 0) + to * width;
        const int64_t angle = PTR(int32_t, 2)[to] * (dim / 2);
        const f32 *cosine = PTR(f32, 3) + angle, *sine = PTR(f32, 4) + angle;
        for (int64_t k = 0; k < kv_heads; k++) {
            const int64_t place = (first + k * length) * dim;
            const T *query = PTR(T, 5) + place * group, *key = PTR(T, 6) + place, *value = PTR(T, 7) + place;
            for (int64_t j = 0; j < group; j++) NAME(rotate)(query + j * dim, out + (k * group + j) * dim, cosine, sine, dim, -1.0f);
            NAME(rotate)(key, out + (heads + k) * dim, cosine, sine, dim, -1.0f);
            memcpy(out + (heads + kv_heads + k) * dim, value, dim * sizeof(T));
        }
    }
}

/* Heads of token rows <-> a bucket: (n, kv_heads, length, group * dim). back = 1: from the bucket to the tokens. Rows as above. */
KERNEL void NAME(move_heads)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t length = arg[3].i, kv_heads = arg[4].i, wide = arg[5].i, stride = arg[6].i, back = arg[7].i;
    for (int64_t row = begin; row < end; row++) {
        const int64_t token = PTR(int32_t, 1)[row], first = row / length * kv_heads * length + row % length;
        for (int64_t k = 0; k < kv_heads; k++) {
            T *outside = PTR(T, 0) + token * stride + k * wide, *inside = PTR(T, 2) + (first + k * length) * wide;
            if (token < 0) { if (!back) memset(inside, 0, wide * sizeof(T)); }
            else if (back) memcpy(outside, inside, wide * sizeof(T));
            else memcpy(inside, outside, wide * sizeof(T));
        }
    }
}

/* Causal softmax in place. Rows: (sequence and head, query from `start` on, group); a query sees the keys up to itself. */
KERNEL void NAME(softmax)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t keys = arg[1].i, start = arg[2].i, queries = arg[3].i, group = arg[4].i;
    const f32 scale = (f32)arg[5].f;
    const i16v lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    f32 e[keys];
    for (int64_t row = begin; row < end; row++) {
        T *scores = PTR(T, 0) + row * keys;
        const int32_t seen = (int32_t)(start + row / group % queries + 1), width = (seen + 15) / 16 * 16;
        v16 most = all(-INFINITY), total = all(0);
        EACH(i, width) {
            v16 x = LOAD(scores + i) * scale;
            if (i + 16 > seen) x = pick(lanes + (int32_t)i < seen, x, all(-INFINITY));
            store_f32(e + i, x);
            most = larger(most, x);
        }
        const f32 top = maximum(most);
        EACH(i, width) {
            v16 x = exponential(load_f32(e + i) - top);
            if (i + 16 > seen) x = pick(lanes + (int32_t)i < seen, x, all(0));
            store_f32(e + i, x);
            total += x;
        }
        const f32 inverse = 1.0f / sum(total);
        EACH(i, width) STORE(scores + i, load_f32(e + i) * inverse);
        memset(scores + width, 0, (keys - width) * sizeof(T));
    }
}

/* g, the gradient of the weights, becomes that of the scores: scale * w * (g - sum(w * g)). Rows: as in softmax. */
KERNEL void NAME(softmax_back)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t keys = arg[2].i;
    const f32 scale = (f32)arg[3].f;
    for (int64_t row = begin; row < end; row++) {
        const T *weights = PTR(T, 0) + row * keys;
        T *g = PTR(T, 1) + row * keys;
        v16 dot = all(0);
        EACH(i, keys) dot += LOAD(weights + i) * LOAD(g + i);
        const f32 mean = sum(dot);
        EACH(i, keys) STORE(g + i, LOAD(weights + i) * (LOAD(g + i) - mean) * scale);
    }
}

/* nll = log sum(exp(logits)) - logits[label]; with arg[6], logits become weight * (softmax - onehot). Rows: supervised tokens. */
KERNEL void NAME(cross_entropy)(const Arg *arg, int64_t begin, int64_t end) {
    const int64_t width = arg[4].i;
    for (int64_t row = begin; row < end; row++) {
        T *logits = PTR(T, 0) + row * width, target[16];
        const int64_t label = PTR(int64_t, 1)[row], at = label / 16 * 16;
        v16 most = all(-INFINITY), total = all(0);
        EACH(i, width) most = larger(most, LOAD(logits + i));
        const f32 top = maximum(most);
        EACH(i, width) total += exponential(LOAD(logits + i) - top);
        const f32 log_z = top + logf(sum(total)), weight = PTR(f32, 2)[row];
        v16 there = LOAD(logits + at);
        PTR(f32, 3)[row] = log_z - there[label % 16];
        if (!arg[5].i) continue;
        there = exponential(there - log_z);
        there[label % 16] -= 1.0f;
        STORE(target, there * weight);
        EACH(i, width) STORE(logits + i, exponential(LOAD(logits + i) - log_z) * weight);
        memcpy(logits + at, target, sizeof target);
    }
}
#endif
