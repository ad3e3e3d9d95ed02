#!/usr/bin/env bash
# Run the packages' tests as other x86-64 processors would compute them: libraries choose their kernels by what the
# processor can do, and each kernel rounds differently. All runs take place; the status is that of the worst.
# Arguments go to pytest; without any, the tests of all packages run.
set -uo pipefail
trap 'exit 130' INT # Ctrl-C ends all of it, not only what runs
opencv=AVX,FP16,AVX2,FMA3
# Of what the processor lacks OpenCV says on stderr that it cannot be disabled, and some tests want silence.
if grep -q avx512bw /proc/cpuinfo; then opencv+=,AVX512-SKX; fi
nothing_selected=5 # what pytest ends with, e.g. for "-k runner"
processors=(
  "ATEN_CPU_CAPABILITY=default"
  "ATEN_CPU_CAPABILITY=avx2"
  "ONEDNN_MAX_CPU_ISA=AVX2"
  # A processor of 2010, for every library that can be configured: no AVX, no fused multiply-add.
  "ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_ENABLE_INSTRUCTIONS=SSE4_2 OPENBLAS_CORETYPE=Nehalem
   NPY_DISABLE_CPU_FEATURES=X86_V3,X86_V4,AVX512_ICL OPENCV_CPU_DISABLE=$opencv
   GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"
  "OMP_NUM_THREADS=2" # the others, and make test, run with one thread
)

failed=()
for processor in "${processors[@]}"; do
  echo "test-processors:" $processor
  # shellcheck disable=SC2086 # several assignments
  env $processor python -m pytest -q -m "not soak and not real_time" --numprocesses auto --dist worksteal \
    "${@:-src}"
  status=$?
  if [ $status -ne 0 ] && [ $status -ne $nothing_selected ]; then failed+=("$(echo $processor)"); fi
done

if [ ${#failed[@]} -gt 0 ]; then
  printf 'test-processors: FAILED with %s\n' "${failed[@]}"
  exit 1
fi
echo "test-processors: passed with all ${#processors[@]}"
