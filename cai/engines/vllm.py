"""vLLM in this process: token ids in, prefix caching on, later steps first.

The only module that imports vllm, and only inside functions: an import takes about ten seconds.
"""

import asyncio
import itertools
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cai.config.roles import VllmConfig
from cai.engines.base import ChoiceRequest, ChoiceScores, Completion, EnginePrompt, Generation, GenerationRequest
from cai.engines.choices import NextTokens, score_choices
from cai.engines.encoding import Encoder
from cai.engines.model_folder import find_adapted, model_fingerprint
from cai.engines.quiet import LogSink, redirected, send_logger
from cai.engines.stall import StallWatch
from cai.engines.vllm_start import (
    ANSWERING_ARGS,
    EngineProcesses,
    check_adapters,
    engine_arguments,
    last_error,
    prepare_environment,
    release_sockets,
)
from cai.errors import EngineError, RequestError
from cai.records import Usage

if TYPE_CHECKING:
    from vllm import RequestOutput
    from vllm.v1.engine.async_llm import AsyncLLM

_SEED_MASK = (1 << 63) - 1
_CAUSE_CHARS = 400
_REPEATS = "look at the log; the run can be resumed with the same command"


class VllmEngine:
    """One model on `AsyncLLM`.

    Args:
        config: The engine's settings.
        log_path: File for everything that vLLM and its processes print; None drops it.
        adapters: Folders of the LoRA adapters that requests may name.
    """

    def __init__(self, config: VllmConfig, *, log_path: Path | None, adapters: tuple[str, ...] = ()) -> None:
        self._config = config
        self._log_path = log_path
        self._adapters = adapters
        self._own_adapter: str | None = None
        self._numbers = itertools.count()
        self._watch = StallWatch(config.stall_timeout_s, self._stalled)
        self._encoder: Encoder | None = None
        self._fingerprint: str | None = None
        self._engine: AsyncLLM | None = None
        self._processes: EngineProcesses | None = None
        self._sink: LogSink | None = None
        self._log_from = 0
        self._lora: dict[str, Any] = {}
        self._failure: EngineError | None = None

    @property
    def model(self) -> str:
        """The hub name, or the last two parts of the folder's path."""
        folder = Path(self._config.model)
        return "/".join(folder.resolve().parts[-2:]) if folder.is_dir() else self._config.model

    @property
    def fingerprint(self) -> str:
        """Hash of weights, tokenizer, template, adapters, data type. Known after `start`."""
        if self._fingerprint is None:
            raise EngineError("the engine has not been started", where=self._config.model)
        return self._fingerprint

    async def start(self) -> None:
        """Check the model's files, then load the model; takes half a minute for a small one.

        Raises:
            EngineError: vLLM is not installed, the model's files are missing or unusable, or vLLM does not start.
        """
        folder, own = await asyncio.to_thread(
            find_adapted, self._config.model, self._config.revision, code=self._config.trust_remote_code
        )
        if own is not None:
            self._own_adapter = str(own)
            self._adapters = (*self._adapters, self._own_adapter)
        check_adapters(self._adapters)
        self._encoder = Encoder(folder)
        self._sink = LogSink(self._log_path)
        self._log_from = self._log_path.stat().st_size if self._log_path else 0
        loading = asyncio.ensure_future(asyncio.to_thread(self._load_unheard, folder, self._sink))
        try:
            await asyncio.shield(loading)
        except asyncio.CancelledError:
            # The thread cannot be stopped, but it fails as soon as the processes that it waits for are gone.
            while not loading.done():
                if self._processes is not None:
                    await asyncio.to_thread(self._processes.kill)
                await asyncio.wait({loading}, timeout=0.2)
            loading.exception()
            await self.close()
            raise
        except Exception:
            await self.close()
            raise

    def _load_unheard(self, folder: Path, sink: LogSink) -> None:
        """Load with the terminal's Ctrl-C kept from the engine.

        It goes to every process of a terminal. Processes inherit a blocked signal from the thread that starts them, so
        the engine outlives it, and what is in flight can be finished or cancelled in order.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._load(folder, sink)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _load(self, folder: Path, sink: LogSink) -> None:
        with redirected(sink):
            prepare_environment()
            try:
                from vllm import AsyncEngineArgs
                from vllm.lora.request import LoRARequest
                from vllm.platforms import current_platform
                from vllm.v1.engine.async_llm import AsyncLLM
            except ImportError as error:
                raise EngineError(
                    f"vLLM is not installed ({error})",
                    where=self._config.model,
                    fix='pip install "constitutional-ai[cpu]" or, for NVIDIA GPUs, "constitutional-ai[cuda]"',
                ) from error
            # A broken installation fails with whatever its libraries raise, RuntimeError and OSError among them.
            except Exception as error:
                raise self._not_started(error) from error
            send_logger("vllm", sink)
            cpu = current_platform.is_cpu()
            arguments = engine_arguments(self._config, folder, self._adapters, cpu=cpu)
            self._processes = EngineProcesses()
            try:
                self._engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))
            # vLLM raises whatever its parts raise: OSError, ValueError, RuntimeError, pydantic's errors.
            except Exception as error:
                self._processes.kill()
                raise self._not_started(error) from error
        self._lora = {
            adapter: LoRARequest(Path(adapter).name, number, str(Path(adapter).resolve()))
            for number, adapter in enumerate(self._adapters, start=1)
        }
        settings = [f"dtype={self._engine.model_config.dtype}"]
        settings += [f"{name}={self._config.engine_args.get(name)!r}" for name in ANSWERING_ARGS]
        self._fingerprint = model_fingerprint(folder, settings, [Path(adapter) for adapter in self._adapters])

    def _not_started(self, error: Exception) -> EngineError:
        own = " ".join(f"{type(error).__name__}: {error}".split())[:_CAUSE_CHARS]
        cause = last_error(self._log_path, self._log_from) or own
        return EngineError(
            f"vLLM could not start the model {self.model}: {cause}",
            where=str(self._log_path) if self._log_path else self._config.model,
            fix="for too little memory set max_model_len or kv_cache_gib; the log has the rest",
        )

    async def generate(self, request: GenerationRequest) -> Generation:
        """Answer a prompt.

        `max_new_tokens` is cut to what `max_model_len` leaves for it.

        Raises:
            RequestError: The prompt is too long, or vLLM refuses the request.
            EngineError: The engine has died or fallen silent.
        """
        ids = self._ready().encode(request.prompt)
        sampling = request.sampling
        # Greedy answers are all the same, and vLLM refuses to compute them twice.
        copies = request.n if sampling.temperature == 0 else 1
        params = {
            "n": request.n // copies,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "max_tokens": min(sampling.max_new_tokens, self._room(request.request_id, ids)),
            "stop": list(sampling.stop),
            "seed": request.seed & _SEED_MASK,
        }
        if request.schema is not None:
            from vllm.sampling_params import StructuredOutputsParams

            params["structured_outputs"] = StructuredOutputsParams(json=request.schema)
        output = await self._run(request, ids, params)
        generated = sum(len(completion.token_ids) for completion in output.outputs)
        completions = tuple(
            Completion(completion.text, completion.finish_reason or "stop")
            for completion in sorted(output.outputs, key=lambda completion: completion.index)
        )
        return Generation(completions * copies, _usage(output, generated))

    async def score_choices(self, request: ChoiceRequest) -> ChoiceScores:
        """Log-probabilities of the given continuations; one request where each choice is a single token.

        Raises:
            RequestError: The prompt is too long, or a choice has no tokens.
            EngineError: The engine has died or fallen silent.
        """
        encoder = self._ready()
        ids = encoder.encode(request.prompt)

        async def ask(before: tuple[int, ...], candidates: tuple[int, ...]) -> NextTokens:
            prompt = ids + before
            self._room(request.request_id, prompt)
            params = {"max_tokens": 1, "temperature": 0.0, "logprob_token_ids": list(candidates), "detokenize": False}
            output = await self._run(request, prompt, params)
            scores = output.outputs[0].logprobs
            if not scores:
                raise RequestError("vLLM gave no log-probabilities", where=request.request_id)
            return NextTokens({token: scores[0][token].logprob for token in candidates}, _usage(output, 0))

        return await score_choices([encoder.choice_ids(request.prompt, choice) for choice in request.choices], ask)

    def rendered(self, prompt: EnginePrompt) -> str:
        """The text that the model sees, control tokens included.

        Raises:
            RequestError: The chat template refuses the messages.
        """
        if self._encoder is None:
            raise EngineError("the engine has not been started", where=self._config.model)
        return self._encoder.rendered(prompt)

    async def close(self) -> None:
        """Stop the engine's processes; safe to call twice."""
        engine, self._engine = self._engine, None
        if engine is not None and self._processes is not None:
            self._processes.stop(engine.shutdown)
            release_sockets(engine)
        if self._sink is not None:
            self._sink.close_file()

    def _ready(self) -> Encoder:
        if self._failure is not None:
            raise self._failure
        if self._encoder is None or self._engine is None:
            raise EngineError("the engine is not running", where=self._config.model)
        return self._encoder

    def _room(self, request_id: str, ids: tuple[int, ...]) -> int:
        """Tokens that may still be generated after a prompt, at least one."""
        assert self._engine is not None
        longest = self._engine.model_config.max_model_len
        if not 0 < len(ids) < longest:
            raise RequestError(
                f"the prompt has {len(ids)} tokens, and the model takes 1 to {longest - 1} and one to answer",
                where=request_id,
                fix="use shorter prompts, fewer rounds, `generate.history: latest`, or a larger max_model_len",
            )
        return longest - len(ids)

    async def _run(
        self, request: GenerationRequest | ChoiceRequest, ids: tuple[int, ...], params: dict[str, Any]
    ) -> "RequestOutput":
        """The one way to the engine: whatever is asked of it goes through here."""
        if request.adapter is not None and request.adapter not in self._lora:
            raise EngineError(f"the engine was started without the adapter {request.adapter}", where=request.request_id)
        if request.adapter is None and self._own_adapter is not None:
            request = replace(request, adapter=self._own_adapter)
        return await self._watch.guard(self._ask(request, ids, params))

    async def _ask(
        self, request: GenerationRequest | ChoiceRequest, ids: tuple[int, ...], params: dict[str, Any]
    ) -> "RequestOutput":
        from vllm import SamplingParams
        from vllm.exceptions import VLLMClientError
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        self._ready()
        assert self._engine is not None
        final = None
        try:
            async for output in self._engine.generate(
                {"prompt_token_ids": list(ids)},
                SamplingParams(**params, output_kind=RequestOutputKind.FINAL_ONLY),
                f"{request.request_id}#{next(self._numbers)}",
                lora_request=self._lora.get(request.adapter) if request.adapter else None,
                priority=request.priority,
            ):
                final = output
        except EngineDeadError as error:
            raise self._died() from error
        except EngineGenerateError as error:
            if self._engine is None or self._engine.errored:
                raise self._died() from error
            cause = error.__cause__ or error
            raise RequestError(f"vLLM failed on this request: {cause}", where=request.request_id) from error
        except (VLLMClientError, ValueError) as error:
            raise RequestError(f"vLLM refuses this request: {error}", where=request.request_id) from error
        reasons = {completion.finish_reason for completion in final.outputs} if final is not None else {"abort"}
        if final is None or "abort" in reasons:
            raise self._died()
        if "error" in reasons:
            raise RequestError("vLLM failed on this request", where=request.request_id)
        return final

    def _died(self) -> EngineError:
        return self._fail("vLLM's engine has died")

    def _stalled(self) -> EngineError:
        return self._fail(f"vLLM has not answered anything for {self._config.stall_timeout_s:g} s, with work pending")

    def _fail(self, what: str) -> EngineError:
        """Remember the first failure: every later request ends with it. A restart would begin here."""
        if self._failure is None:
            cause = last_error(self._log_path, self._log_from)
            where = str(self._log_path) if self._log_path else self._config.model
            self._failure = EngineError(f"{what}: {cause}" if cause else what, where=where, fix=_REPEATS)
        return self._failure


def _usage(output: "RequestOutput", generated: int) -> Usage:
    return Usage(len(output.prompt_token_ids or ()), output.num_cached_tokens or 0, generated)
