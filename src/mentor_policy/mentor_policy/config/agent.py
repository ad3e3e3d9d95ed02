"""The settings of each agent. Defaults are Table 2 of the paper, column Meta-World."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class AgentConfig:
    """Settings that every agent has."""

    name: str = "random"  # which agent: random, drqv2, drm, mentor, alix, taco, or a plug-in's name


@dataclass
class RandomConfig(AgentConfig):
    """Uniform actions: the floor of every comparison."""

    name: str = "random"


@dataclass
class PretrainedConfig:
    """The frozen ImageNet network of the pretrained encoder (SpawnNet's idea)."""

    input_size: int = 84  # pixels, height and width that a frame is resized to
    stages: list[int] = field(
        default_factory=lambda: [2, 3]
    )  # two stages of EfficientNet-Lite0, 1..7
    adapter_channels: int = 16  # channels of each 1x1 adapter


@dataclass
class DrQv2Config(AgentConfig):
    """DrQ-v2 (arXiv 2107.09645), the base of all that learn."""

    name: str = "drqv2"
    # Architecture
    encoder: str = "conv"  # conv (trained from scratch) or pretrained (SpawnNet)
    pretrained: PretrainedConfig = field(default_factory=PretrainedConfig)
    feature_dim: int = 50  # numbers after the trunk (100 for Dog)
    hidden_dim: int = 1024  # width of actor and critic
    # Optimisation
    learning_rate: float = 1e-4  # of Adam, encoder and critic (8e-5 for DMC)
    actor_learning_rate_ratio: float = 1.0  # actor's rate over learning_rate (Table 2: 0.5 or 1)
    soft_update_rate: float = 0.01  # EMA of the target critic
    average_rate: float = 0.0  # EMA of the weights that evaluations act with, 0: the newest weights
    precision: str = "auto"  # float32, bfloat16, float64, auto: bfloat16 where that is faster
    cuda_graph: bool = False  # record an update once and replay it; needs train.device=cuda
    keep_freed_memory: bool = True  # tell malloc to keep freed blocks of the process; twice as fast
    check_gradients: bool = True  # stop at a NaN or infinite gradient, before weights change
    saturation_weight: float = 0.0  # of a loss that keeps the actor's tanh from dying, 0 for none
    # Augmentation
    shift_padding: int = 4  # pixels of random shift to each side
    # Exploration
    explore_steps: int = 2000  # agent steps of uniform actions at the start
    stddev_start: float = 1.0
    stddev_end: float = 0.1
    stddev_steps: int = 3_000_000  # agent steps from start to end (2,000,000 for DMC)
    noise_correlation: float = 0.0  # of exploration noise from one step to the next, 0 for white
    evaluation_stddev: float = 0.0  # of white noise in evaluations, 0 for the mean action
    stddev_clip: float = 0.3  # of the sampled noise, inside updates only


@dataclass
class AlixConfig(DrQv2Config):
    """ALIX (arXiv 2207.00986): adaptive local signal mixing in place of the random shift."""

    name: str = "alix"
    shift_padding: int = 0
    mix_start: float = 0.5  # mixing range S at the start; 1 is 2.5 cells of a feature map
    mix_target: float = 0.535  # discontinuity score of gradients that S is moved towards
    mix_learning_rate: float = 2e-3  # of Adam, for S


@dataclass
class TacoConfig(DrQv2Config):
    """TACO (arXiv 2306.13229): temporal action-driven contrastive loss, K = train.n_step."""

    name: str = "taco"
    action_dim: int = 0  # numbers in a latent action, 0 for int(1.25 A) + 1
    taco_learning_rate: float = 1e-4  # of Adam, for the step on TACO's loss


@dataclass
class DrMConfig(DrQv2Config):
    """DrM (arXiv 2310.19668): exploration, exploitation, perturbation led by the dormant ratio."""

    name: str = "drm"
    # Dormant ratio, eq. 3 and 4
    dormant_threshold: float = 0.025  # tau
    dormant_every: int = 20  # updates from one measurement to the next
    # Dormancy-driven exploration
    awaken_threshold: float = 0.2  # beta below which the agent counts as awake
    awaken_temperature: float = 0.1  # T
    # Dormancy-driven exploitation
    exploit_max: float = 0.6  # lambda-hat
    exploit_temperature: float = 0.02  # T'
    expectile: float = 0.9
    # Perturbation, eq. 5 and Alg. 1
    perturb: str = "random"  # none, random (fresh initialisation) or task_oriented (S_top)
    perturb_frames: int = 200_000  # T_p
    perturb_rate: float = 2.0  # mu
    perturb_alpha_min: float = 0.2
    perturb_alpha_max: float = 0.9  # 0.6 for Dog, Coffee Push and Soccer
    perturb_networks: list[str] = field(
        default_factory=lambda: ["actor", "critic", "critic_target", "value"]
    )  # of: encoder, actor, critic, critic_target, value
    top_performers: int = 10  # size of S_top


@dataclass
class MentorConfig(DrMConfig):
    """MENTOR: a mixture of experts as the actor, task-oriented perturbation."""

    name: str = "mentor"
    actor: str = "moe"  # moe, or mlp for the ablation without it
    experts: int = 16  # N
    top_k: int = 4  # experts that compute a row
    expert_dim: int = 256  # hidden width of experts and router
    load_balance_weight: float = 0.002
    perturb: str = "task_oriented"
